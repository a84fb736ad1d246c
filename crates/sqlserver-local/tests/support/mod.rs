//! A server and a client of it.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

use sqlserver_local::{Config, Server};
use tiberius::{AuthMethod, Client, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub type Connection = Client<Compat<TcpStream>>;

pub fn config(server: &Server) -> tiberius::Config {
    let of = Config::default();
    let mut config = tiberius::Config::new();
    config.host("localhost");
    config.port(server.port());
    config.database(of.database);
    config.authentication(AuthMethod::sql_server(of.user, of.password));
    config.encryption(EncryptionLevel::Required);
    config.trust_cert_ca_bundle(server.authority());
    config
}

pub async fn connect_with(
    server: &Server,
    config: tiberius::Config,
) -> tiberius::Result<Connection> {
    let socket = TcpStream::connect(("127.0.0.1", server.port())).await?;
    // Its future is large.
    Box::pin(Client::connect(config, socket.compat_write())).await
}

pub async fn connect(server: &Server) -> Connection {
    connect_with(server, config(server)).await.unwrap()
}
