//! `unit`: a systemd unit for `serve`, with everything that it does not need taken away from it.

use super::Place;
use crate::app::args::Unit;
use crate::app::error::{AppError, Status};
use crate::app::out::Out;

pub(super) fn perform(place: &Place, arguments: &Unit, out: &mut Out) -> Result<Status, AppError> {
    let program = std::env::current_exe()?;
    let file = std::path::absolute(place.file()?)?;
    for (what, path) in [("the program", &program), ("the instance file", &file)] {
        let text = path.display().to_string();
        if text
            .chars()
            .any(|c| c.is_whitespace() || c == '%' || c == '"')
        {
            return Err(AppError::Usage(format!(
                "{what} is at {text}, which a unit cannot name; move it to a path without blanks"
            )));
        }
    }
    let text = unit(
        &arguments.user,
        &program.display().to_string(),
        &file.display().to_string(),
    );
    for line in text.lines() {
        out.line(line)?;
    }
    out.note(
        "put it into /etc/systemd/system/passerelle.service, give the secrets that it names to the",
    )?;
    out.note("unit (Environment=… from a file, or LoadCredential=), then: systemctl enable --now passerelle")?;
    Ok(Status::Done)
}

fn unit(user: &str, program: &str, file: &str) -> String {
    format!(
        "[Unit]
Description=passerelle: Salesforce and Webmecanik Automation in agreement
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={program} serve --config {file}
User={user}
# 2: the instance file is wrong; 4: no right. A restart mends neither.
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 4
WatchdogSec=60
TimeoutStopSec=30
# Secrets that the instance file names as environment variables, one NAME=value each, mode 0600:
#EnvironmentFile=/etc/passerelle/secrets
# The key that kept logins are sealed with, from outside the data folder (openssl rand -hex 32):
#LoadCredential=passerelle.key:/etc/passerelle/key
Environment=XDG_STATE_HOME=/var/lib
StateDirectory=passerelle
StateDirectoryMode=0700
# For [serve] socket and group, so that support staff can attach:
RuntimeDirectory=passerelle
RuntimeDirectoryMode=0755
UMask=0077
UnsetEnvironment=NO_COLOR

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
LimitCORE=0

[Install]
WantedBy=multi-user.target
"
    )
}
