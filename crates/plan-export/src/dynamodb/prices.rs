//! Prices of AWS, unless the definition overrides them: list prices of us-east-1, without free
//! tiers and discounts, in US dollars, as of November 2026. Sources: the pricing pages of Amazon
//! DynamoDB (on-demand throughput, halved on 1 November 2024; data export), AWS Lambda (arm64,
//! first tier), Amazon S3 (Standard) and AWS Step Functions (Standard workflows). Other regions
//! charge up to about twice as much: `limits.prices` overrides each.

use definition::Prices;

/// Description of these prices, for messages.
pub const BASIS: &str = "us-east-1 list prices of November 2026";

/// Dollars for one unit of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceList {
    /// A read request unit of a table on demand.
    pub read_request_unit: f64,
    /// A gigabyte-second of a function.
    pub lambda_gb_second: f64,
    /// An invocation of a function.
    pub lambda_request: f64,
    /// A write or list request to S3.
    pub s3_put: f64,
    /// A read request to S3.
    pub s3_get: f64,
    /// A state transition of Step Functions.
    pub state_transition: f64,
    /// A gigabyte of table in a native export.
    pub export_gb: f64,
}

impl PriceList {
    /// The list prices, with the definition's overrides.
    pub fn of(prices: &Prices) -> Self {
        let price = |said: Option<f64>, list: f64, pieces: f64| said.unwrap_or(list) / pieces;
        Self {
            read_request_unit: price(prices.read_request_units_per_million, 0.125, 1e6),
            lambda_gb_second: price(prices.lambda_gb_second, 0.000_013_333_4, 1.0),
            lambda_request: price(prices.lambda_requests_per_million, 0.20, 1e6),
            s3_put: price(prices.s3_puts_per_thousand, 0.005, 1e3),
            s3_get: price(prices.s3_gets_per_thousand, 0.0004, 1e3),
            state_transition: price(prices.state_transitions_per_thousand, 0.025, 1e3),
            export_gb: price(prices.export_gb, 0.10, 1.0),
        }
    }
}
