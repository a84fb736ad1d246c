//! Prices of SageMaker that the export's list does not have: list prices of us-east-1, in US dollars,
//! as of mid-2025. They say what a run costs roughly; the pricing page of Amazon SageMaker AI has
//! today's, and those of other regions.

/// Description of these prices, for people.
pub const BASIS: &str = "SageMaker's of mid-2025";

/// Hours of a month, as AWS counts them.
pub const MONTH_HOURS: f64 = 730.0;

/// Dollars of an hour of an instance, training or serving.
const INSTANCES: [(&str, f64); 25] = [
    ("ml.t2.medium", 0.056),
    ("ml.t3.medium", 0.05),
    ("ml.m5.large", 0.115),
    ("ml.m5.xlarge", 0.23),
    ("ml.m5.2xlarge", 0.461),
    ("ml.m5.4xlarge", 0.922),
    ("ml.m5.12xlarge", 2.765),
    ("ml.m5.24xlarge", 5.53),
    ("ml.c5.large", 0.102),
    ("ml.c5.xlarge", 0.204),
    ("ml.c5.2xlarge", 0.408),
    ("ml.c5.4xlarge", 0.816),
    ("ml.c5.9xlarge", 1.836),
    ("ml.c5.18xlarge", 3.672),
    ("ml.r5.large", 0.151),
    ("ml.r5.xlarge", 0.302),
    ("ml.r5.2xlarge", 0.605),
    ("ml.g4dn.xlarge", 0.736),
    ("ml.g4dn.2xlarge", 0.94),
    ("ml.g4dn.12xlarge", 4.89),
    ("ml.g5.xlarge", 1.408),
    ("ml.g5.2xlarge", 1.515),
    ("ml.p3.2xlarge", 3.825),
    ("ml.p3.8xlarge", 14.688),
    ("ml.p3.16xlarge", 28.152),
];

/// Dollars of a gigabyte-second of serverless inference.
pub const SERVERLESS_GB_SECOND: f64 = 0.000_02;

/// Dollars of a gigabyte in S3 (Standard) for a month. This one and those of the logs are AWS's list
/// prices of November 2026, as in the export's list.
pub const STORAGE_GB_MONTH: f64 = 0.023;
/// A class of S3 from which objects can be read at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StorageClass {
    /// Its name in lifecycle rules.
    pub name: &'static str,
    /// Dollars of a gigabyte for a month.
    pub gb_month: f64,
    /// Dollars for moving an object into it.
    pub transition: f64,
    /// Days that are billed at least after an object has moved.
    pub least_days: f64,
    /// Dollars of a gigabyte that is read.
    pub retrieval_gb: f64,
    /// Dollars of a read request.
    pub get: f64,
}

/// The class in which objects are written.
pub const STANDARD: StorageClass = StorageClass {
    name: "STANDARD",
    gb_month: STORAGE_GB_MONTH,
    transition: 0.0,
    least_days: 0.0,
    retrieval_gb: 0.0,
    get: 0.000_000_4,
};

/// The colder classes. Source: Amazon S3 pricing, us-east-1, November 2026.
pub const COLDER: [StorageClass; 2] = [
    StorageClass {
        name: "STANDARD_IA",
        gb_month: 0.0125,
        transition: 0.000_01,
        least_days: 30.0,
        retrieval_gb: 0.01,
        get: 0.000_001,
    },
    StorageClass {
        name: "GLACIER_IR",
        gb_month: 0.004,
        transition: 0.000_02,
        least_days: 90.0,
        retrieval_gb: 0.03,
        get: 0.000_01,
    },
];

/// Objects of fewer bytes are not moved: the colder classes bill so many at least.
pub const COLDER_LEAST_BYTES: u64 = 128 << 10;

/// Dollars of a gigabyte that comes into CloudWatch Logs.
pub const LOG_GB: f64 = 0.50;
/// Dollars of a gigabyte in CloudWatch Logs for a month.
pub const LOG_GB_MONTH: f64 = 0.03;

/// Dollars of an hour of an instance, if it is known here.
pub fn instance_hour(instance_type: &str) -> Option<f64> {
    let mut known = INSTANCES.iter();
    let found = known.find(|(name, _)| *name == instance_type);
    found.map(|(_, price)| *price)
}
