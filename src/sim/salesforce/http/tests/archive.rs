//! Archives and multipart bodies, as a client would make them.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Bench, taken};

/// A zip archive: every second file deflated, the others stored.
pub(super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (at, (path, content)) in files.iter().enumerate() {
        let (method, packed) = if at % 2 == 0 {
            (0_u16, content.as_bytes().to_vec())
        } else {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content.as_bytes()).unwrap();
            (8, encoder.finish().unwrap())
        };
        let mut common = Vec::new();
        for number in [20, 0, method, 0, 0x5A21] {
            common.extend(number.to_le_bytes());
        }
        common.extend(crc32fast::hash(content.as_bytes()).to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((path.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        let local = bytes.len() as u32;
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(local.to_le_bytes());
        directory.extend(path.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(path.as_bytes());
        bytes.extend(packed);
    }
    let (start, length) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((files.len() as u16).to_le_bytes());
    bytes.extend((files.len() as u16).to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

pub(super) fn manifest(types: &[(&str, &[&str])]) -> String {
    let one = |(kind, members): &(&str, &[&str])| {
        let members = members
            .iter()
            .map(|member| format!("<members>{member}</members>"));
        let members = members.collect::<Vec<_>>().concat();
        format!("<types>{members}<name>{kind}</name></types>")
    };
    let types = types.iter().map(one).collect::<Vec<_>>().concat();
    let package = file("Package", &format!("{types}<version>62.0</version>"));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{package}")
}

pub(super) fn file(root: &str, content: &str) -> String {
    format!("<{root} xmlns=\"http://soap.sforce.com/2006/04/metadata\">{content}</{root}>")
}

impl Bench {
    pub(super) async fn post_archive(&self, options: &Json, archive: &[u8]) -> (StatusCode, Json) {
        let mut body = Vec::new();
        let options = json!({ "deployOptions": options }).to_string();
        body.extend(b"--between\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n");
        body.extend(options.as_bytes());
        body.extend(b"\r\n--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n");
        body.extend(archive);
        body.extend(b"\r\n--between--\r\n");
        let request = self
            .ask(Method::POST, "/metadata/deployRequest")
            .header("content-type", "multipart/form-data; boundary=between")
            .body(body);
        taken(request.send().await.unwrap()).await
    }

    /// Sends an archive, waits until it is worked off, and gives the result.
    pub(super) async fn deploy(&self, options: &Json, files: &[(&str, &str)]) -> Json {
        let (status, taken) = self.post_archive(options, &archive(files)).await;
        assert_eq!(status, 201, "{taken}");
        assert_eq!(taken["deployResult"]["status"], "Pending");
        self.pass(10);
        let id = taken["id"].as_str().unwrap();
        let (_, done) = self
            .get(&format!("/metadata/deployRequest/{id}?includeDetails=true"))
            .await;
        assert_eq!(done["deployResult"]["done"], true, "{done}");
        done["deployResult"].clone()
    }

    pub(super) async fn tooling(&self, soql: &str) -> (StatusCode, Json) {
        let request = self
            .ask(Method::GET, "/tooling/query")
            .query(&[("q", soql)]);
        taken(request.send().await.unwrap()).await
    }
}
