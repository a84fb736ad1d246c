//! The views of the system, which are tables too.

use super::types::{Length, Type};

/// A view of the system: its name and its columns.
pub type View = (&'static str, &'static [(&'static str, Type)]);

const NAME: Type = Type::NVarChar(Length::Limited(128));
/// The views.
pub const VIEWS: [View; 17] = [
    ("schemas", &[("name", NAME), ("schema_id", Type::Int)]),
    (
        "types",
        &[
            ("name", NAME),
            ("system_type_id", Type::TinyInt),
            ("user_type_id", Type::Int),
            ("is_user_defined", Type::Bit),
            ("is_assembly_type", Type::Bit),
        ],
    ),
    (
        "objects",
        &[
            ("name", NAME),
            ("object_id", Type::Int),
            ("schema_id", Type::Int),
            ("type", Type::Char(2)),
            ("modify_date", Type::DateTime),
        ],
    ),
    (
        "tables",
        &[
            ("name", NAME),
            ("object_id", Type::Int),
            ("schema_id", Type::Int),
        ],
    ),
    (
        "columns",
        &[
            ("object_id", Type::Int),
            ("name", NAME),
            ("column_id", Type::Int),
            ("system_type_id", Type::TinyInt),
            ("user_type_id", Type::Int),
            ("max_length", Type::SmallInt),
            ("precision", Type::TinyInt),
            ("scale", Type::TinyInt),
            ("collation_name", NAME),
            ("is_nullable", Type::Bit),
            ("is_computed", Type::Bit),
            ("encryption_type", Type::Int),
        ],
    ),
    (
        "indexes",
        &[
            ("object_id", Type::Int),
            ("name", NAME),
            ("index_id", Type::Int),
            ("type", Type::TinyInt),
            ("is_unique", Type::Bit),
            ("is_primary_key", Type::Bit),
            ("is_disabled", Type::Bit),
            ("is_hypothetical", Type::Bit),
            ("has_filter", Type::Bit),
            ("data_space_id", Type::Int),
        ],
    ),
    (
        "index_columns",
        &[
            ("object_id", Type::Int),
            ("index_id", Type::Int),
            ("column_id", Type::Int),
            ("key_ordinal", Type::TinyInt),
            ("is_included_column", Type::Bit),
            ("is_descending_key", Type::Bit),
            ("partition_ordinal", Type::TinyInt),
        ],
    ),
    (
        "databases",
        &[
            ("name", NAME),
            ("database_id", Type::Int),
            ("collation_name", NAME),
            ("snapshot_isolation_state", Type::TinyInt),
            ("is_read_committed_snapshot_on", Type::Bit),
            ("create_date", Type::DateTime),
        ],
    ),
    (
        "stats",
        &[
            ("object_id", Type::Int),
            ("name", NAME),
            ("stats_id", Type::Int),
            ("has_filter", Type::Bit),
        ],
    ),
    (
        "partitions",
        &[
            ("object_id", Type::Int),
            ("index_id", Type::Int),
            ("partition_number", Type::Int),
            ("partition_id", Type::BigInt),
            ("rows", Type::BigInt),
        ],
    ),
    (
        "partition_functions",
        &[
            ("name", NAME),
            ("function_id", Type::Int),
            ("fanout", Type::Int),
            ("boundary_value_on_right", Type::Bit),
        ],
    ),
    (
        "partition_schemes",
        &[
            ("name", NAME),
            ("data_space_id", Type::Int),
            ("function_id", Type::Int),
        ],
    ),
    (
        "partition_range_values",
        &[
            ("function_id", Type::Int),
            ("boundary_id", Type::Int),
            ("parameter_id", Type::Int),
            ("value", Type::SqlVariant),
        ],
    ),
    (
        "allocation_units",
        &[
            ("container_id", Type::BigInt),
            ("type", Type::TinyInt),
            ("total_pages", Type::BigInt),
            ("used_pages", Type::BigInt),
            ("data_pages", Type::BigInt),
        ],
    ),
    (
        "stats_columns",
        &[
            ("object_id", Type::Int),
            ("stats_id", Type::Int),
            ("stats_column_id", Type::Int),
            ("column_id", Type::Int),
        ],
    ),
    (
        "dm_db_partition_stats",
        &[
            ("object_id", Type::Int),
            ("index_id", Type::Int),
            ("partition_number", Type::Int),
            ("used_page_count", Type::BigInt),
            ("row_count", Type::BigInt),
        ],
    ),
    (
        "dm_db_stats_histogram",
        &[
            ("object_id", Type::Int),
            ("stats_id", Type::Int),
            ("step_number", Type::Int),
            ("range_high_key", Type::SqlVariant),
            ("range_rows", Type::Real),
            ("equal_rows", Type::Real),
        ],
    ),
];
