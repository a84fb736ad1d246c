//! What is deployed, as far as a plan depends on it: the lake and the stack's settings. A definition
//! in a file is planned before there is a stack, too.

use crate::exit::{Exit, Explain};
use crate::place::{Place, PlaceError, Settings, StackError};
use aws::s3::S3Store;
use contract::chain;

/// What is deployed.
#[derive(Debug)]
pub struct Deployed {
    /// The lake, if it is known.
    pub lake: Option<S3Store>,
    /// The stack's settings, or the template's defaults.
    pub settings: Settings,
    /// Whether they are the stack's.
    pub is_known: bool,
    /// What is assumed or left out because something is not known, a sentence each.
    pub assumed: Vec<String>,
}

impl Deployed {
    /// Asks for the stack. If `has_file`, the plan needs neither a stack nor the permission to
    /// describe it.
    ///
    /// # Errors
    /// If the stack is needed and cannot be used, or somebody has named it and it is not there.
    pub async fn find(place: &Place, has_file: bool) -> Result<Self, PlaceError> {
        let why = match place.settings().await {
            Ok(Some(settings)) => {
                return Ok(Self {
                    lake: Some(place.lake().await?),
                    settings,
                    is_known: true,
                    assumed: Vec::new(),
                });
            }
            Ok(None) => "no stack is named".to_owned(),
            Err(error) if has_file && may_do_without(place, &error) => {
                return Ok(Self::assuming(None, &chain(&error)));
            }
            Err(error) => return Err(error),
        };
        match place.lake().await {
            Ok(lake) => Ok(Self::assuming(Some(lake), &why)),
            Err(PlaceError::NoBucket { .. }) if has_file => Ok(Self::assuming(None, &why)),
            Err(error) => Err(error),
        }
    }

    fn assuming(lake: Option<S3Store>, why: &str) -> Self {
        let settings = Settings::DEFAULT;
        let functions = settings.map_concurrency;
        let runs = if lake.is_none() {
            ", and earlier runs are not known"
        } else {
            ""
        };
        Self {
            lake,
            settings,
            is_known: false,
            assumed: vec![format!(
                "{why}: {functions} functions at once are assumed, the template's default{runs}"
            )],
        }
    }
}

/// Whether a plan of a file can be made although the stack cannot be described.
fn may_do_without(place: &Place, error: &PlaceError) -> bool {
    match error {
        PlaceError::Stack(StackError::Missing { .. }) => !place.is_named(),
        PlaceError::Stack(StackError::Service(_)) => error.kind().exit() == Exit::Denied,
        _ => false,
    }
}
