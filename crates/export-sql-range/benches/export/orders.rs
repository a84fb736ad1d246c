//! The table that is read: twelve columns of the usual types, about 150 bytes a row. `run.py` makes
//! the same rows in PostgreSQL.

use sqlserver_local::{Cell, Error, Server, Table};

/// Statistics are made anew at each insert, so that few of them are quicker.
const ROWS_PER_INSERT: u32 = 250_000;
const COLUMNS: [(&str, &str); 12] = [
    ("id", "bigint NOT NULL"),
    ("customer", "int NOT NULL"),
    ("sku", "nvarchar(20) NOT NULL"),
    ("quantity", "smallint NOT NULL"),
    ("price", "decimal(12,2) NOT NULL"),
    ("weight", "float"),
    ("paid", "bit NOT NULL"),
    ("created", "datetime2(3) NOT NULL"),
    ("due", "date"),
    ("guid", "uniqueidentifier NOT NULL"),
    ("note", "nvarchar(100)"),
    ("status", "nvarchar(12) NOT NULL"),
];
const STATES: [&str; 4] = ["new", "packed", "shipped", "returned"];

/// Makes the table and its rows.
pub fn fill(server: &Server, rows: u32) -> Result<(), Error> {
    let mut table = Table::new("dbo", "orders");
    for (name, of) in COLUMNS {
        table = table.column(name, of)?;
    }
    server.create(table.primary_key(&["id"]))?;
    let mut next = 1;
    while next <= rows {
        let last = rows.min(next.saturating_add(ROWS_PER_INSERT - 1));
        let part: Vec<_> = (next..=last).map(row).collect();
        server.insert("dbo.orders", &part)?;
        next = last + 1;
    }
    Ok(())
}

fn row(id: u32) -> Vec<Cell> {
    let n = i64::from(id);
    let cents = n * 37 % 100_000;
    let (second, day) = (n % 86_400, n % 28 + 1);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let bits = u128::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let guid = format!("{bits:032x}");
    let guid = [8..12, 12..16, 16..20].map(|part| &guid[part]).join("-");
    vec![
        n.into(),
        (n * 7919 % 100_000).into(),
        format!("sku-{}", n * 31 % 5000).into(),
        (n % 50).into(),
        format!("{}.{:02}", cents / 100, cents % 100).into(),
        format!("{}", f64::from(id) / 8.0).into(),
        id.is_multiple_of(3).into(),
        format!(
            "2026-03-{day:02}T{hour:02}:{minute:02}:{:02}.{:03}",
            second % 60,
            n % 1000
        )
        .into(),
        format!("2026-04-{day:02}").into(),
        format!("{:08x}-{guid}-{:012x}", bits >> 96, bits & 0xFFFF_FFFF_FFFF).into(),
        (!id.is_multiple_of(3))
            .then(|| format!("order {n} of customer {} by post", n % 1000))
            .into(),
        STATES[(id % 4) as usize].into(),
    ]
}
