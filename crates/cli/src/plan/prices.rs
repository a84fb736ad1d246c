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

/// Dollars of an hour of an instance, if it is known here.
pub fn instance_hour(instance_type: &str) -> Option<f64> {
    let mut known = INSTANCES.iter();
    let found = known.find(|(name, _)| *name == instance_type);
    found.map(|(_, price)| *price)
}
