//! The part of the instance file about webhooks.

use std::net::SocketAddr;

use secrecy::ExposeSecret as _;

use super::typed::{self, Spanned};
use super::{ConfigError, Reader, Webhook};

/// Shorter ones can be tried out. Automation's own have more.
const SECRET_CHARS_MIN: usize = 16;

impl Reader<'_> {
    pub(super) fn webhook(&self, typed: Spanned<typed::Webhook>) -> Result<Webhook, ConfigError> {
        let near = typed.span();
        let typed = typed.into_inner();
        let listen: SocketAddr = typed.listen.get_ref().parse().map_err(|_| {
            self.at(
                &typed.listen,
                "listen is an address of this machine with a port, like “127.0.0.1:8650”",
            )
        })?;
        if !listen.ip().is_loopback() && !typed.allow_remote {
            return Err(self.at(
                &typed.listen,
                "listen is not a loopback address: webhooks carry personal data and are to come through \
                 a proxy of yours that speaks TLS; if that proxy is on another machine, set \
                 allow_remote = true",
            ));
        }
        let path = typed.path.get_ref();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if !path.starts_with('/') || !path.chars().all(is_plain) {
            return Err(self.at(
                &typed.path,
                "path begins with “/” and holds letters, digits, “/”, “-”, “_” and “.”",
            ));
        }
        let secret = self.required_secret(
            typed.secret,
            &Spanned::new(near.clone(), ()),
            "[webhook] secret",
        )?;
        if secret.expose_secret().chars().count() < SECRET_CHARS_MIN {
            return Err(self.at(
                &Spanned::new(near, ()),
                "the secret of [webhook] has fewer than 16 characters, so it could be guessed; make one \
                 with: openssl rand -hex 20",
            ));
        }
        let public_url = typed.public_url.map(|url| self.url(&url)).transpose()?;
        Ok(Webhook {
            listen,
            path: path.clone(),
            secret,
            public_url,
        })
    }
}
