//! Where AWS keeps the images of its built-in algorithms: an account per region. It must not know
//! which algorithms there are.
//!
//! Source: `image_uri_config/{xgboost,linear-learner}.json` of the SageMaker Python SDK (Apache-2.0,
//! github.com/aws/sagemaker-python-sdk), which AWS maintains; `sagemaker.image_uris.retrieve` reads
//! the same tables.

/// The account that holds a group of algorithms in a region.
type Accounts = &'static [(&'static str, &'static str)];

/// Of the repository `sagemaker-xgboost`.
pub(super) const XGBOOST: Accounts = &[
    ("af-south-1", "510948584623"),
    ("ap-east-1", "651117190479"),
    ("ap-northeast-1", "354813040037"),
    ("ap-northeast-2", "366743142698"),
    ("ap-northeast-3", "867004704886"),
    ("ap-south-1", "720646828776"),
    ("ap-south-2", "628508329040"),
    ("ap-southeast-1", "121021644041"),
    ("ap-southeast-2", "783357654285"),
    ("ap-southeast-3", "951798379941"),
    ("ap-southeast-4", "106583098589"),
    ("ca-central-1", "341280168497"),
    ("ca-west-1", "190319476487"),
    ("cn-north-1", "450853457545"),
    ("cn-northwest-1", "451049120500"),
    ("eu-central-1", "492215442770"),
    ("eu-central-2", "680994064768"),
    ("eu-north-1", "662702820516"),
    ("eu-south-1", "978288397137"),
    ("eu-south-2", "104374241257"),
    ("eu-west-1", "141502667606"),
    ("eu-west-2", "764974769150"),
    ("eu-west-3", "659782779980"),
    ("il-central-1", "898809789911"),
    ("me-central-1", "272398656194"),
    ("me-south-1", "801668240914"),
    ("sa-east-1", "737474898029"),
    ("us-east-1", "683313688378"),
    ("us-east-2", "257758044811"),
    ("us-gov-east-1", "237065988967"),
    ("us-gov-west-1", "414596584902"),
    ("us-west-1", "746614075791"),
    ("us-west-2", "246618743249"),
];

/// Of `linear-learner`, `knn` and `factorization-machines`.
pub(super) const FIRST_PARTY: Accounts = &[
    ("af-south-1", "455444449433"),
    ("ap-east-1", "286214385809"),
    ("ap-northeast-1", "351501993468"),
    ("ap-northeast-2", "835164637446"),
    ("ap-northeast-3", "364406365360"),
    ("ap-south-1", "991648021394"),
    ("ap-southeast-1", "475088953585"),
    ("ap-southeast-2", "712309505854"),
    ("ca-central-1", "469771592824"),
    ("cn-north-1", "390948362332"),
    ("cn-northwest-1", "387376663083"),
    ("eu-central-1", "664544806723"),
    ("eu-north-1", "669576153137"),
    ("eu-south-1", "257386234256"),
    ("eu-west-1", "438346466558"),
    ("eu-west-2", "644912444149"),
    ("eu-west-3", "749696950732"),
    ("me-south-1", "249704162688"),
    ("sa-east-1", "855470959533"),
    ("us-east-1", "382416733822"),
    ("us-east-2", "404615174143"),
    ("us-gov-west-1", "226302683700"),
    ("us-west-1", "632365934929"),
    ("us-west-2", "174872318107"),
];

/// The registry of a region, such as `683313688378.dkr.ecr.us-east-1.amazonaws.com`.
pub(super) fn host(accounts: Accounts, region: &str) -> Option<String> {
    let (_, account) = accounts.iter().find(|(name, _)| *name == region)?;
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    Some(format!("{account}.dkr.ecr.{region}.{domain}"))
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PARTY, XGBOOST, host};

    #[test]
    fn accounts_have_twelve_digits_and_regions_stand_once_in_order() {
        for accounts in [XGBOOST, FIRST_PARTY] {
            assert!(accounts.is_sorted_by(|one, other| one.0 < other.0));
            for (region, account) in accounts {
                let digits = account.bytes().all(|byte| byte.is_ascii_digit());
                assert!(account.len() == 12 && digits, "{region}: {account}");
            }
        }
        let china = host(XGBOOST, "cn-north-1").unwrap();
        assert!(china.ends_with(".amazonaws.com.cn"), "{china}");
        assert_eq!(host(XGBOOST, "mars-1"), None);
    }
}
