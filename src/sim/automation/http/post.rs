//! Posting webhook calls, as the product's immediate mode does: once each, and lost if nobody answers.

use std::time::Duration;

use super::hooks::{Delivery, next_delivery};
use super::serve::Shared;

/// How long an endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A client that posts on this machine: without proxy, and without the system's certificates, which
/// vouch for nobody here.
pub fn poster() -> reqwest::Result<reqwest::Client> {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy();
    client.tls_certs_only([]).build()
}

/// Posts everything that is waiting, in order, and returns how many calls were answered with success.
///
/// Only this machine is called: practice never leaves it, whatever address somebody gave a hook.
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
    if !is_here(&delivery.url) {
        return None;
    }
    let call = client
        .post(delivery.url)
        .timeout(TIMEOUT)
        .header("Content-Type", "application/json")
        .header("X-Origin-Base-URL", delivery.origin)
        .header("Webhook-Signature", delivery.signature)
        .body(delivery.body);
    Some(call.send().await.ok()?.status().as_u16())
}

fn is_here(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
