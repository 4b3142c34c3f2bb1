//! Who stands at the door, and what they may ask of the sync: the one place where that is decided, in
//! the process that owns the store.

use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::sync::mpsc;

use crate::app::config::Operators;
use crate::domain::command::{Command, Instruction};
use crate::domain::operator::{Operator, Role, SessionId};
use crate::session::wire::Claims;
use crate::session::{Peer, Sent};

/// What the kernel calls a process that nobody logged in for.
const NO_LOGIN: u32 = u32::MAX;

/// Letters of a key's fingerprint that tell two people apart.
const KEY_LETTERS: usize = 8;

/// Somebody, as far as the machine can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visitor {
    pub(super) operator: Operator,
    pub(super) role: Role,
    /// The account that has the store, or root.
    pub(super) is_owner: bool,
}

impl Visitor {
    /// Whether they sit at another machine than this one.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.operator.from.starts_with("ssh ")
    }
}

/// One session's way to the sync.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) session: SessionId,
    pub(super) visitor: Visitor,
    commands: mpsc::Sender<Instruction>,
}

impl Door {
    pub(super) const fn new(
        session: SessionId,
        visitor: Visitor,
        commands: mpsc::Sender<Instruction>,
    ) -> Self {
        Self {
            session,
            visitor,
            commands,
        }
    }

    /// A wish in this visitor's name, or the role that it takes.
    pub(super) fn instruction(&self, reason: &str, command: Command) -> Result<Instruction, Role> {
        if !self.visitor.role.may(&command) {
            return Err(Role::needed(&command));
        }
        Ok(Instruction {
            session: self.session,
            operator: self.visitor.operator.clone(),
            reason: reason.to_owned(),
            command,
        })
    }

    pub(super) fn send(&self, reason: &str, command: Command) -> Sent {
        let instruction = match self.instruction(reason, command) {
            Ok(instruction) => instruction,
            Err(needed) => return Sent::Denied(needed),
        };
        match self.commands.try_send(instruction) {
            Ok(()) => Sent::Yes,
            Err(mpsc::error::TrySendError::Full(_)) => Sent::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Sent::Closed,
        }
    }
}

/// The user of this process itself, at this terminal or in this script.
pub(super) fn ourselves(claims: &Claims, operators: &Operators) -> Visitor {
    let peer = Peer {
        uid: nix::unistd::getuid(),
        gid: nix::unistd::getgid(),
        pid: Some(nix::unistd::getpid()),
    };
    recognise(peer, claims, operators)
}

fn is_owner(peer: Peer) -> bool {
    peer.uid == nix::unistd::getuid() || peer.uid.is_root()
}

/// Whether the socket's other end may say anything at all.
pub(super) fn may_knock(peer: Peer, group: Option<&str>) -> bool {
    let is_in = |group: &str| Account::of(peer).groups.iter().any(|name| name == group);
    is_owner(peer) || group.is_some_and(is_in)
}

/// One of the machine's accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    name: String,
    groups: Vec<String>,
}

/// The peer's user id is the kernel's word, and what it and its groups may do is all that is granted.
/// Who logged in behind it is only as good as the peer: a process of any account can say so as long as
/// nobody else did. It is believed of root, who could do anything anyway, and never grants anything.
pub(super) fn recognise(peer: Peer, claims: &Claims, operators: &Operators) -> Visitor {
    let account = Account::of(peer);
    let login = peer.pid.and_then(login_of).map(name_of);
    let login = login.or_else(|| claims.sudo_user.clone().filter(|_| peer.uid.is_root()));
    let login = login.filter(|login| *login != account.name);
    let login = login.map(Account::named);
    told(peer, (&account, login.as_ref()), claims, operators)
}

/// From what the machine knows of them.
fn told(
    peer: Peer,
    (account, login): (&Account, Option<&Account>),
    claims: &Claims,
    operators: &Operators,
) -> Visitor {
    let granted = listed(account, operators).unwrap_or_else(|| {
        if is_owner(peer) {
            Role::Admin
        } else {
            Role::Viewer
        }
    });
    let lowered = login.and_then(|login| listed(login, operators));
    let claimed = claims.is_read_only.then_some(Role::Viewer);
    let role = [lowered, claimed]
        .into_iter()
        .flatten()
        .fold(granted, Role::min);
    let believed = login.filter(|_| peer.uid.is_root());
    let who = match (believed, login) {
        (Some(login), _) => Who::Behind(account, login),
        (None, Some(login)) => Who::Claiming(account, login),
        (None, None) => Who::Account(account),
    };
    Visitor {
        operator: Operator {
            name: who.name().to_owned(),
            from: from(claims, &who, operators),
        },
        role,
        is_owner: is_owner(peer),
    }
}

/// Whom the audit names.
enum Who<'a> {
    /// The account, and nobody said to be behind it.
    Account(&'a Account),
    /// Root, and who logged in and became it.
    Behind(&'a Account, &'a Account),
    /// The account, and who is said to have logged in.
    Claiming(&'a Account, &'a Account),
}

impl Who<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Behind(_, login) => &login.name,
            Self::Account(account) | Self::Claiming(account, _) => &account.name,
        }
    }
}

/// Where they sit, under which account if not their own, and by which key.
fn from(claims: &Claims, who: &Who<'_>, operators: &Operators) -> String {
    let line = claims.ssh_connection.as_deref();
    let address = line.and_then(|line| line.split_whitespace().next());
    let place = address.map_or_else(
        || "this machine".to_owned(),
        |address| format!("ssh {address}"),
    );
    let other = match who {
        Who::Account(_) => None,
        Who::Behind(account, _) => Some(format!(" as {}", account.name)),
        Who::Claiming(_, login) => Some(format!(", logged in as {} by its own word", login.name)),
    };
    let is_shared = operators.shared.iter().any(|shared| shared == who.name());
    let shared = is_shared.then(|| ", shared account".to_owned());
    let key = claims.ssh_key.as_deref().and_then(fingerprint);
    let key = key.map(|key| format!(", key {key}"));
    let parts = [Some(place), other, shared, key];
    parts.into_iter().flatten().collect()
}

/// What the instance file says of an account, by its name or a group of it. Who is in several lists has
/// the least of them.
fn listed(account: &Account, operators: &Operators) -> Option<Role> {
    let is_meant = |entry: &String| match entry.strip_prefix('@') {
        Some(group) => account.groups.iter().any(|name| name == group),
        None => account.name == *entry,
    };
    let lists = [
        (Role::Viewer, &operators.viewer),
        (Role::Operator, &operators.operator),
        (Role::Admin, &operators.admin),
    ];
    let mut lists = lists.into_iter();
    let named = lists.find(|(_, list)| list.iter().any(is_meant));
    named.map(|(role, _)| role)
}

impl Account {
    /// The one that the peer runs as.
    fn of(peer: Peer) -> Self {
        let name = name_of(peer.uid);
        let groups = groups_of(&name, peer.gid);
        Self { name, groups }
    }

    /// One that logged in; a name that the machine does not know is in no group.
    fn named(name: String) -> Self {
        let user = User::from_name(&name).ok().flatten();
        let groups = user.map(|user| groups_of(&user.name, user.gid));
        let groups = groups.unwrap_or_default();
        Self { name, groups }
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| format!("user {uid}"), |user| user.name)
}

fn groups_of(name: &str, gid: Gid) -> Vec<String> {
    let Ok(name) = std::ffi::CString::new(name) else {
        return Vec::new();
    };
    let groups = getgrouplist(&name, gid).unwrap_or_else(|_| vec![gid]);
    groups
        .into_iter()
        .filter_map(|gid| Group::from_gid(gid).ok().flatten())
        .map(|group| group.name)
        .collect()
}

/// Who logged in, through sudo and su, where the machine keeps account of it. A process that nobody
/// logged in for may write there whom it likes.
fn login_of(pid: nix::unistd::Pid) -> Option<Uid> {
    let path = Path::new("/proc").join(pid.to_string()).join("loginuid");
    let uid = std::fs::read_to_string(path).ok()?.trim().parse().ok()?;
    (uid != NO_LOGIN).then(|| Uid::from_raw(uid))
}

/// The last letters of the key that opened the line: enough to tell two people of one account apart.
fn fingerprint(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let key = words.find(|word| *word == "publickey").and(words.nth(1))?;
    let plain: Vec<char> = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let skipped = plain.len().saturating_sub(KEY_LETTERS);
    Some(plain.into_iter().skip(skipped).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Queue, Scope};
    use crate::domain::conflict::{Choice, Resolution, Subject};
    use crate::domain::ids::{Generation, LinkId};
    use crate::domain::record::PlanKind;
    use crate::domain::remedy::Remedy;
    use crate::domain::time::Timestamp;

    const STRANGER: u32 = 4_000_000;

    fn peer(uid: Uid) -> Peer {
        Peer {
            uid,
            gid: Gid::from_raw(4_000_000),
            pid: None,
        }
    }

    fn own() -> Uid {
        nix::unistd::getuid()
    }

    fn role(uid: Uid, operators: &Operators) -> Role {
        recognise(peer(uid), &Claims::default(), operators).role
    }

    #[test]
    fn the_owner_is_admin_and_a_stranger_looks_only_unless_the_file_says_otherwise() {
        let nobody = Operators::default();
        assert_eq!(role(own(), &nobody), Role::Admin);
        let stranger = Uid::from_raw(STRANGER);
        assert_eq!(role(stranger, &nobody), Role::Viewer);
        let named = vec![format!("user {STRANGER}")];
        let operators = Operators {
            operator: named.clone(),
            ..Operators::default()
        };
        assert_eq!(role(stranger, &operators), Role::Operator);
        let several = Operators {
            viewer: named.clone(),
            admin: named,
            ..Operators::default()
        };
        assert_eq!(role(stranger, &several), Role::Viewer, "viewer wins");
        let owner_looks = Operators {
            viewer: vec![name_of(own())],
            ..Operators::default()
        };
        assert_eq!(role(own(), &owner_looks), Role::Viewer);
    }

    #[test]
    fn groups_count_and_read_only_wins_over_everything() {
        let peer = Peer {
            gid: nix::unistd::getgid(),
            ..peer(own())
        };
        let group = Account::of(peer).groups.first().cloned().unwrap();
        let operators = Operators {
            operator: vec![format!("@{group}")],
            ..Operators::default()
        };
        let claims = Claims::default();
        assert_eq!(recognise(peer, &claims, &operators).role, Role::Operator);
        let claims = Claims {
            is_read_only: true,
            ..claims
        };
        assert_eq!(recognise(peer, &claims, &operators).role, Role::Viewer);
    }

    #[test]
    fn what_a_client_claims_is_believed_of_root_alone() {
        let claims = Claims {
            sudo_user: Some("claire".to_owned()),
            ..Claims::default()
        };
        let operators = Operators::default();
        let named = |uid| recognise(peer(uid), &claims, &operators).operator;
        let root = named(Uid::from_raw(0));
        assert_eq!(
            (root.name.as_str(), root.from.as_str()),
            ("claire", "this machine as root")
        );
        assert_ne!(named(Uid::from_raw(STRANGER)).name, "claire");
    }

    fn account(name: &str, groups: &[&str]) -> Account {
        Account {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }

    /// Somebody of one account, with a login of another behind it.
    fn with_login(uid: Uid, account: &Account, login: &Account, operators: &Operators) -> Visitor {
        let claims = Claims::default();
        told(peer(uid), (account, Some(login)), &claims, operators)
    }

    fn operators() -> Operators {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Operators {
            viewer: list(&["@interns", "bob"]),
            operator: list(&["@support"]),
            admin: list(&["claire"]),
            shared: list(&["helpdesk"]),
        }
    }

    #[test]
    fn a_login_that_any_process_can_claim_grants_nothing_and_names_nobody() {
        let (bob, claire) = (account("bob", &[]), account("claire", &[]));
        let visitor = with_login(Uid::from_raw(STRANGER), &bob, &claire, &operators());
        assert_eq!(visitor.role, Role::Viewer);
        assert_eq!(visitor.operator.name, "bob");
        let expected = "this machine, logged in as claire by its own word";
        assert_eq!(visitor.operator.from, expected);
        let nobody = account("eve", &[]);
        let visitor = with_login(Uid::from_raw(STRANGER), &nobody, &claire, &operators());
        assert_eq!(visitor.role, Role::Viewer, "in no list");
    }

    #[test]
    fn a_login_lowers_what_the_account_may_by_its_name_and_by_its_groups() {
        let root = account("root", &["root"]);
        let own_account = account("passerelle", &[]);
        let helpdesk = account("helpdesk", &["support"]);
        let cases = [
            (Uid::from_raw(0), &root, account("claire", &[]), Role::Admin),
            (Uid::from_raw(0), &root, account("zoe", &[]), Role::Admin),
            (
                Uid::from_raw(0),
                &root,
                account("ivo", &["interns"]),
                Role::Viewer,
            ),
            (
                Uid::from_raw(0),
                &root,
                account("sam", &["support"]),
                Role::Operator,
            ),
            (Uid::from_raw(0), &root, account("bob", &[]), Role::Viewer),
            (
                own(),
                &own_account,
                account("ivo", &["interns"]),
                Role::Viewer,
            ),
            (
                own(),
                &own_account,
                account("claire", &["staff"]),
                Role::Admin,
            ),
            (
                Uid::from_raw(STRANGER),
                &helpdesk,
                account("claire", &[]),
                Role::Operator,
            ),
            (
                Uid::from_raw(STRANGER),
                &helpdesk,
                account("bob", &[]),
                Role::Viewer,
            ),
        ];
        for (uid, account, login, expected) in cases {
            let visitor = with_login(uid, account, &login, &operators());
            assert_eq!(
                visitor.role, expected,
                "{} behind {}",
                login.name, account.name
            );
            let is_named = visitor.operator.name == login.name;
            assert_eq!(
                is_named,
                uid.is_root(),
                "{} behind {}",
                login.name,
                account.name
            );
        }
    }

    #[test]
    fn where_they_sit_is_kept_for_the_audit() {
        let claims = Claims {
            ssh_connection: Some("192.0.2.7 51000 198.51.100.1 22".to_owned()),
            ssh_key: Some("publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabcdEFGH".to_owned()),
            ..Claims::default()
        };
        let operators = Operators {
            shared: vec![format!("user {STRANGER}")],
            ..Operators::default()
        };
        let visitor = recognise(peer(Uid::from_raw(STRANGER)), &claims, &operators);
        let expected = "ssh 192.0.2.7, shared account, key abcdEFGH";
        assert_eq!(visitor.operator.from, expected);
    }

    #[test]
    fn a_stranger_may_not_even_knock_unless_their_group_may() {
        assert!(may_knock(peer(own()), None));
        assert!(may_knock(peer(Uid::from_raw(0)), None));
        assert!(!may_knock(peer(Uid::from_raw(STRANGER)), None));
        assert!(!may_knock(
            peer(Uid::from_raw(STRANGER)),
            Some("no-such-group")
        ));
    }

    /// Every command there is, with the least role that may give it.
    fn commands() -> Vec<(Command, Role)> {
        let links = vec![LinkId(1)];
        let (from, until) = (Timestamp::ZERO, Timestamp(1));
        let kind = PlanKind::Backfill;
        let resolve = |choice| {
            let choices = vec![(Subject::Consent, choice)];
            let (link, generation) = (LinkId(1), Generation(1));
            Command::Resolve(vec![Resolution {
                link,
                generation,
                choices,
            }])
        };
        let of = |commands: Vec<Command>, role| commands.into_iter().map(move |c| (c, role));
        let operator = vec![
            Command::RunCycle(Scope::ALL),
            resolve(Choice::OptOut),
            Command::Retry {
                links: links.clone(),
            },
            Command::Discard { writes: Vec::new() },
            Command::RetryActivities { held: Vec::new() },
            Command::DiscardActivities { held: Vec::new() },
            Command::Check {
                links: links.clone(),
            },
            Command::SetAside {
                links: links.clone(),
                until: None,
            },
            Command::Unlink {
                links: links.clone(),
            },
            Command::TakeBack { links },
            Command::Pause(Queue::Salesforce),
            Command::Resume(Queue::Salesforce),
            Command::Survey { kind, from, until },
            Command::Backfill { kind, from, until },
        ];
        let admin = vec![
            Command::ReleaseBrake { writes: 9 },
            Command::Mend(Remedy::Timeline),
            resolve(Choice::OptIn),
        ];
        of(operator, Role::Operator)
            .chain(of(admin, Role::Admin))
            .collect()
    }

    #[tokio::test]
    async fn each_role_may_give_exactly_its_commands() {
        for role in Role::ALL {
            let visitor = Visitor {
                operator: Operator::default(),
                role,
                is_owner: false,
            };
            for (command, needed) in commands() {
                let (commands, mut inbox) = mpsc::channel(1);
                let door = Door::new(SessionId(7), visitor.clone(), commands);
                let expected = if role >= needed {
                    Sent::Yes
                } else {
                    Sent::Denied(needed)
                };
                assert_eq!(
                    door.send("why", command.clone()),
                    expected,
                    "{role}: {command:?}"
                );
                assert_eq!(
                    inbox.try_recv().is_ok(),
                    role >= needed,
                    "{role}: {command:?}"
                );
            }
        }
    }
}
