//! The part of the instance file about webhooks.

use std::net::SocketAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::typed::{self, Spanned};
use super::{ConfigError, Reader, Webhook};

/// Shorter ones can be tried out. Automation's own have more.
const SECRET_CHARS_MIN: usize = 16;

impl Reader<'_> {
    pub(super) fn webhook(&self, typed: Spanned<typed::Webhook>) -> Result<Webhook, ConfigError> {
        let section = typed.span();
        let typed = typed.into_inner();
        let near = typed.secret.as_ref().map_or(section, Spanned::span);
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
        let secret = self.optional(typed.secret.as_ref())?;
        let is_short =
            |secret: &SecretString| secret.expose_secret().chars().count() < SECRET_CHARS_MIN;
        if secret.as_ref().is_some_and(is_short) {
            return Err(self.at(
                &Spanned::new(near, ()),
                "the secret of [webhook] has fewer than 16 characters, so it could be guessed; leave it \
                 out, and one is made and kept sealed",
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

#[cfg(test)]
mod tests {
    use crate::app::config::tests::{GOOD, load_text};

    const WEBHOOK: &str = "
[webhook]
listen = \"127.0.0.1:8650\"
secret = { env = \"HOOK_SECRET\" }
";

    #[track_caller]
    fn refused(from: &str, to: &str, words: &[&str]) {
        assert!(WEBHOOK.contains(from), "{from}");
        let text = format!("{GOOD}{}", WEBHOOK.replace(from, to));
        let error = load_text(&text).expect_err("must be refused").to_string();
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    }

    #[test]
    fn without_the_section_nothing_is_received_and_with_it_the_path_is_known() {
        assert!(load_text(GOOD).unwrap().webhook.is_none());
        let webhook = load_text(&format!("{GOOD}{WEBHOOK}")).unwrap().webhook;
        let webhook = webhook.unwrap();
        assert_eq!(webhook.listen.to_string(), "127.0.0.1:8650");
        assert_eq!(webhook.path, "/automation");
        assert!(webhook.public_url.is_none());
    }

    #[test]
    fn a_secret_that_is_left_out_is_ours_to_make() {
        let text = WEBHOOK.replace("secret = { env = \"HOOK_SECRET\" }", "");
        let webhook = load_text(&format!("{GOOD}{text}")).unwrap().webhook;
        assert!(webhook.unwrap().secret.is_none());
    }

    #[test]
    fn other_machines_are_let_in_only_by_leave() {
        let open = "listen = \"0.0.0.0:8650\"";
        let listen = "listen = \"127.0.0.1:8650\"";
        refused(listen, open, &["line 24", "not a loopback", "allow_remote"]);
        let text = WEBHOOK.replace(listen, &format!("{open}\nallow_remote = true"));
        assert!(load_text(&format!("{GOOD}{text}")).is_ok());
    }

    #[test]
    fn each_mistake_names_its_line_and_the_remedy() {
        refused(
            "127.0.0.1:8650",
            "here",
            &["line 24", "like “127.0.0.1:8650”"],
        );
        refused("127.0.0.1:8650", "127.0.0.1", &["with a port"]);
        let secret = "secret = { env = \"HOOK_SECRET\" }";
        refused(
            "HOOK_SECRET",
            "SF_SECRET",
            &["16 characters", "leave it out"],
        );
        let with = |more: &str| format!("{secret}\n{more}");
        let (public, path) = (
            with("public_url = \"http://hooks.acme.example/\""),
            with("path = \"automation\""),
        );
        refused(secret, &public, &["write https://"]);
        refused(secret, &path, &["line 26", "begins with"]);
        refused(secret, &with("colour = 1"), &["colour"]);
    }
}
