//! Posting webhook calls, as the product's immediate mode does: once each, and lost if nobody answers.

use std::time::Duration;

use super::hooks::{Delivery, next_delivery};
use super::serve::Shared;

/// How long an endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Posts everything that is waiting, in order, and returns how many calls were answered with success.
///
/// A failed call is not tried again; a hook with about a hundred failures, or one whose endpoint says
/// it is gone, unpublishes itself.
pub async fn post_waiting(shared: &Shared, client: &reqwest::Client) -> usize {
    let mut delivered = 0;
    loop {
        let next = next_delivery(&mut shared.brain());
        let Some(delivery) = next else {
            return delivered;
        };
        let hook = delivery.hook;
        let status = post(client, delivery).await;
        delivered += usize::from(matches!(status, Some(200..=299)));
        shared.brain().hooks_mut().note_outcome(hook, status);
    }
}

/// The status of the answer, if one came.
async fn post(client: &reqwest::Client, delivery: Delivery) -> Option<u16> {
    let call = client
        .post(delivery.url)
        .timeout(TIMEOUT)
        .header("Content-Type", "application/json")
        .header("X-Origin-Base-URL", delivery.origin)
        .header("Webhook-Signature", delivery.signature)
        .body(delivery.body);
    Some(call.send().await.ok()?.status().as_u16())
}
