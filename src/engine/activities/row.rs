//! An event as a row of the timeline object, and how it is remembered.

use crate::domain::activity::{Activity, ActivityRow};
use crate::domain::ids::Side;
use crate::domain::link::Link;

/// Salesforce's limits of the row's texts.
const NAME_MAX: usize = 80;
const DESCRIPTION_UTF16_MAX: usize = 131_072;

/// The row of the timeline object for an event; `None` while its person has no live record, or is left
/// alone.
pub(super) fn activity_row(
    link: &Link,
    activity: &Activity,
    automation_url: &str,
) -> Option<ActivityRow> {
    let end = link
        .salesforce
        .as_ref()
        .filter(|_| link.is_live(Side::Salesforce) && link.parked.is_none())?;
    let url = automation_url.trim_end_matches('/');
    Some(ActivityRow {
        reference: activity.reference_for(end.first_id),
        at: activity.at,
        name: activity.name.chars().take(NAME_MAX).collect(),
        description: cut_utf16(&activity.description, DESCRIPTION_UTF16_MAX),
        url: format!("{url}/s/contacts/view/{}", activity.contact),
        person: (end.object, end.id),
        automation: activity.contact,
    })
}

/// The longest beginning that fits, without half a character at its end.
fn cut_utf16(text: &str, units_max: usize) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= units_max
    };
    text.chars().take_while(fits).collect()
}

/// A stable hash of a full reference. Salesforce compares references without case.
pub(in crate::engine) fn fingerprint(reference: &str) -> u64 {
    reference
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
