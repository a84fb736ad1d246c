//! Exports of relational tables to S3 by `CopyActivity`: of PostgreSQL and SQL Server, which
//! `source.sql` reads.

use super::{Export, Finding, Needed, Planner, Timing, definition_file};
use crate::ConvertError;
use crate::ledger::Use;
use crate::pipeline::Object;
use crate::report::Outcome;
use crate::select::{self, Address, Selection};
use definition::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NODES: &[&str] = &["SqlDataNode", "MySqlDataNode"];
const DATABASES: &[&str] = &["RdsDatabase", "JdbcDatabase", "RedshiftDatabase"];

impl<'p> Planner<'p> {
    /// A copy from a relational database to S3.
    pub(super) fn copy(&mut self, activity: &'p Object) -> Result<Finding, ConvertError> {
        let node = self.node(activity, "input", NODES);
        let target = self.node(activity, "output", &["S3DataNode"]);
        let (Some(node), Some(_)) = (node, target) else {
            return Ok(Finding::Other(String::new()));
        };
        let database = self.node(node, "database", DATABASES);
        let address = self.address(node, database)?;
        let Some(engine) = address.engine else {
            return self.no_engine(node, &address).map(Finding::Other);
        };
        let Some(selection) = self.selection(node)? else {
            return Ok(Finding::Other(String::new()));
        };
        let selection = match engine {
            Engine::Postgres => selection.folded(),
            Engine::SqlServer => selection,
        };
        let table = match &selection {
            Selection::Table { table, .. } => table.clone(),
            Selection::Query(_) => self
                .known(node, "table")?
                .unwrap_or_else(|| node.id.clone()),
        };
        let name = self.names.of(&table);
        let secret = self.secret_of(node, database, &address, &name)?;
        let source = source(engine, &secret, &address, &selection);
        self.mark_database(node, database, &name);
        self.mark_selection(node, &selection, &name)?;
        let export = Export {
            activity: activity.id.clone(),
            name,
            table,
            source: json!({ "sql": source }),
            columns: Vec::new(),
            ready: Vec::new(),
            ready_minutes: None,
            ready_buckets: BTreeSet::new(),
            notices: super::Notices::default(),
            max_minutes: None,
            timing: Timing::default(),
            secret: Some(secret),
            region: None,
            subnets: BTreeSet::new(),
            security_groups: BTreeSet::new(),
            notes: vec![
                "The functions reach a database in a VPC only through SubnetIds and \
                 SecurityGroupIds of the stack."
                    .to_owned(),
            ],
        };
        self.finish(activity, export)
    }

    /// Logins of one server, database and user are one secret.
    fn secret_of(
        &mut self,
        node: &'p Object,
        database: Option<&'p Object>,
        address: &Address,
        name: &str,
    ) -> Result<String, ConvertError> {
        let mut login = vec![
            format!("{:?}", address.host),
            format!("{:?}", address.port),
            format!("{:?}", address.database),
        ];
        for object in [Some(node), database].into_iter().flatten() {
            for field in ["username", "rdsInstanceId"] {
                login.extend(self.known(object, field)?);
            }
        }
        let last = address.database.as_deref().unwrap_or("login");
        Ok(self.names.secret_of(&login.join(" "), name, last))
    }

    /// What the data node and its database name.
    fn address(
        &mut self,
        node: &'p Object,
        database: Option<&'p Object>,
    ) -> Result<Address, ConvertError> {
        let mut address = Address::default();
        for object in [Some(node), database].into_iter().flatten() {
            if let Some(written) = self.first(object, "connectionString")?
                && let Needed::Text(text) = self.need_address(object, &written)?
            {
                address = select::address(&text).unwrap_or_default();
            }
            if let Some(name) = self.known(object, "databaseName")? {
                self.refuse_secret(object, "databaseName", &name)?;
                address.database = Some(name);
            }
            // An RDS instance is known by its driver; the secret then names the host.
            if address.engine.is_none()
                && let Some(driver) = self.known(object, "jdbcDriverJarUri")?
            {
                let driver = driver.to_ascii_lowercase();
                if driver.contains("postgres") {
                    address.engine = Some(Engine::Postgres);
                } else if driver.contains("sqljdbc") || driver.contains("mssql") {
                    address.engine = Some(Engine::SqlServer);
                } else if driver.contains("mysql") {
                    "mysql".clone_into(&mut address.product);
                }
            }
        }
        if self.pipeline.type_of(node) == "MySqlDataNode" && address.product.is_empty() {
            "mysql".clone_into(&mut address.product);
        }
        for (field, part) in [("host", &address.host), ("database", &address.database)] {
            if let Some(text) = part {
                self.refuse_secret(node, field, text)?;
            }
        }
        Ok(address)
    }

    /// The address may hold a password: only its other parts are taken.
    fn need_address(
        &mut self,
        object: &'p Object,
        written: &crate::expression::Template,
    ) -> Result<Needed, ConvertError> {
        match written.text() {
            Some(text) => Ok(Needed::Text(text.to_owned())),
            None if written.missing().next().is_some() => {
                self.need(object, "connectionString", written)
            }
            None => Ok(Needed::Text(written.shown())),
        }
    }

    fn no_engine(&self, node: &'p Object, address: &Address) -> Result<String, ConvertError> {
        let of = |part: &Option<String>| part.clone().unwrap_or_else(|| "not given".to_owned());
        let product = match address.product.as_str() {
            "" => "not given",
            product => product,
        };
        let mut query = self.first(node, "selectQuery")?.map(|query| query.shown());
        if query.is_none() {
            query = self.first(node, "table")?.map(|table| table.shown());
        }
        // Masked before it is cut: a part of a secret is not recognised.
        let query = self.secrets.mask(&crate::text::visible(&of(&query)));
        let query = crate::text::short(&query, 200);
        Ok(format!(
            "`source.sql` reads PostgreSQL and SQL Server. The engine here is {product}, the host \
             {}, the database {}, the query `{query}`: AWS Glue reads it, and RDS exports \
             snapshots to S3",
            of(&address.host),
            of(&address.database),
        ))
    }

    /// What is read. Nothing if a parameter has no value.
    fn selection(&mut self, node: &'p Object) -> Result<Option<Selection>, ConvertError> {
        let whole = |table: String| Selection::Table {
            table,
            columns: Vec::new(),
            condition: None,
        };
        let table = match self.first(node, "table")? {
            Some(written) => match self.need(node, "table", &written)? {
                Needed::Text(text) => Some(text),
                Needed::Runtime(_) => None,
                Needed::Missing => return Ok(None),
            },
            None => None,
        };
        let schema = self.known(node, "schemaName")?;
        let table = match (table, schema) {
            (Some(table), Some(schema)) if !table.contains('.') => {
                Some(format!("{schema}.{table}"))
            }
            (table, _) => table,
        };
        let query = match self.first(node, "selectQuery")? {
            Some(written) => match self.need(node, "selectQuery", &written)? {
                Needed::Text(text) => Some(text),
                Needed::Runtime(_) => None,
                Needed::Missing => return Ok(None),
            },
            None => None,
        };
        let place = format!("{}.selectQuery", node.id);
        let selected = query
            .map(|query| select::read(&query))
            .transpose()
            .map_err(|why| self.pipeline.inconsistent(&place, why))?;
        match (selected, table) {
            (Some(selection), _) => Ok(Some(selection)),
            (None, Some(table)) => Ok(Some(whole(table))),
            (None, None) => {
                let why = "its table's name depends on the run's time, or is not given";
                Err(self.pipeline.inconsistent(&node.id, why))
            }
        }
    }

    fn mark_selection(
        &mut self,
        node: &'p Object,
        selection: &Selection,
        name: &str,
    ) -> Result<(), ConvertError> {
        let place = definition_file(name);
        let query = self.first(node, "selectQuery")?;
        let new = match (&query, selection) {
            (Some(query), _) if query.is_runtime() => {
                let why = "the window of its query is not kept: each run exports the whole table. \
                           With `source.sql.incremental` it reads only the rows that changed";
                Use::new(Outcome::NoCounterpart, why).to(format!("{place}#source.sql.table"))
            }
            (_, Selection::Query(_)) => {
                let why = "the query, read as one stream within one invocation of 15 minutes";
                Use::new(Outcome::Taken, why).to(format!("{place}#source.sql.query"))
            }
            (_, Selection::Table { .. }) => {
                let why = "the query's table, columns and condition, which are read in chunks";
                Use::new(Outcome::Derived, why).to(format!("{place}#source.sql.table"))
            }
        };
        self.mark(node, "selectQuery", new);
        let table = match selection {
            Selection::Table { .. } => {
                Use::new(Outcome::Taken, "the table").to(format!("{place}#source.sql.table"))
            }
            Selection::Query(_) => {
                let why = "the query names what it reads";
                Use::new(Outcome::Derived, why).to(format!("{place}#source.sql.query"))
            }
        };
        self.mark(node, "table", table.clone());
        self.mark(node, "schemaName", table);
        Ok(())
    }

    fn mark_database(&mut self, node: &'p Object, database: Option<&'p Object>, name: &str) {
        let place = definition_file(name);
        for object in [Some(node), database].into_iter().flatten() {
            for (field, outcome, why, to) in [
                (
                    "connectionString",
                    Outcome::Derived,
                    "engine, host, port and database; the driver's own options are not needed",
                    "source.sql.engine",
                ),
                (
                    "databaseName",
                    Outcome::Taken,
                    "the database",
                    "source.sql.database",
                ),
                (
                    "username",
                    Outcome::Derived,
                    "the login is in a secret, which you create",
                    "source.sql.secret",
                ),
                (
                    "password",
                    Outcome::Derived,
                    "the password is in a secret, which you create; it is written nowhere else",
                    "source.sql.secret",
                ),
                (
                    "rdsInstanceId",
                    Outcome::Approximated,
                    "write the instance's host name into the secret, as `host`",
                    "source.sql.secret",
                ),
                (
                    "jdbcDriverJarUri",
                    Outcome::Derived,
                    "the engine; no driver is needed",
                    "source.sql.engine",
                ),
            ] {
                let new = Use::new(outcome, why).to(format!("{place}#{to}"));
                self.mark(object, field, new);
            }
        }
    }
}

fn source(engine: Engine, secret: &str, address: &Address, selection: &Selection) -> Value {
    let mut source = json!({ "engine": engine, "secret": secret });
    if let Some(host) = &address.host {
        source["host"] = json!(host);
    }
    if let Some(port) = address.port {
        source["port"] = json!(port);
    }
    if let Some(database) = &address.database {
        source["database"] = json!(database);
    }
    match selection {
        Selection::Query(query) => source["query"] = json!(query),
        Selection::Table {
            table,
            columns,
            condition,
        } => {
            source["table"] = json!(table);
            if !columns.is_empty() {
                source["columns"] = json!(columns);
            }
            if let Some(condition) = condition {
                source["where"] = json!(condition);
            }
        }
    }
    source
}
