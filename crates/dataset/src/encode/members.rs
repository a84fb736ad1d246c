//! The members of sets, lists and maps, and their number.

use crate::encode::category;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb_json::Value;
use std::collections::BTreeSet;

/// Calls `each` with every member of a set or list of texts, numbers and binary values, as a
/// category's text. Any other member, or any other value, is refused.
pub(crate) fn each(value: &Value<'_>, mut take: impl FnMut(&str)) -> Result<(), ()> {
    match value {
        Value::Ss(set) | Value::Bs(set) => set.iter().for_each(|member| take(&member.decode())),
        Value::Ns(set) => set.iter().for_each(|raw| take(&category::number_text(raw))),
        Value::L(list) => {
            for element in list.elements() {
                match element {
                    Value::Null => {}
                    Value::S(_) | Value::N(_) | Value::B(_) => {
                        take(&category::text(&element).ok_or(())?);
                    }
                    _ => return Err(()),
                }
            }
        }
        _ => return Err(()),
    }
    Ok(())
}

/// The length of a value: members of a set, list or map, characters of a text, bytes of a binary
/// value.
pub(crate) fn length(value: &Value<'_>) -> Option<u32> {
    let length = match value {
        Value::S(text) => text.decode().chars().count(),
        Value::B(base64) => STANDARD.decode(&*base64.decode()).ok()?.len(),
        Value::L(list) => list.elements().count(),
        Value::M(map) => map.attributes().count(),
        // Members of a set are compared by value.
        Value::Ss(set) | Value::Bs(set) => set
            .iter()
            .map(|member| member.decode())
            .collect::<BTreeSet<_>>()
            .len(),
        Value::Ns(set) => set
            .iter()
            .map(category::number_text)
            .collect::<BTreeSet<_>>()
            .len(),
        Value::N(_) | Value::Bool(_) | Value::Null => return None,
    };
    u32::try_from(length).ok()
}
