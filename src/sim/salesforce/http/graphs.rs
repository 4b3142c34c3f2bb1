//! Composite Graph: many small composites of single records in one call, each atomic by itself.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::composite::{Subrequest, Unity, check_references, executed, subrequest};
use super::routes::Resource;
use super::wire::Answer;
use crate::sim::salesforce::error::{ApiError, ErrorCode, Outcome};
use crate::sim::salesforce::org::Salesforce;

/// REST: graphs and nodes of one payload, and kinds of nodes in one graph.
const GRAPHS_MAX: usize = 75;
const NODES_MAX: usize = 500;
const KINDS_MAX: usize = 15;
/// REST: after so many failed graphs the others are not tried.
const FAILURES_MAX: usize = 14;

pub(super) fn graph(org: &mut Salesforce, resource: &Resource<'_>) -> Outcome<Answer> {
    let body = resource.asked.json_object()?;
    let Some(Json::Array(graphs)) = body.get("graphs") else {
        return Err(missing("graphs"));
    };
    let graphs = graphs.iter().map(read).collect::<Outcome<Vec<_>>>()?;
    let nodes: usize = graphs.iter().map(|(_, nodes)| nodes.len()).sum();
    if graphs.len() > GRAPHS_MAX || nodes > NODES_MAX {
        let message =
            format!("Limit of {GRAPHS_MAX} graphs and {NODES_MAX} nodes reached for the payload");
        return Err(ApiError::new(ErrorCode::LIMIT_EXCEEDED, message));
    }
    for (_, nodes) in &graphs {
        check_references(nodes, resource.number())?;
        check_nodes(nodes)?;
    }
    let mut failures = 0;
    let mut answers = Vec::with_capacity(graphs.len());
    for (id, nodes) in graphs {
        let (responses, is_successful) = if failures < FAILURES_MAX {
            let order = (0..nodes.len()).collect();
            executed(org, resource, &nodes, order, Unity::AllOrNone)
        } else {
            // Nothing runs, so that every node shows as halted.
            executed(org, resource, &nodes, Vec::new(), Unity::AllOrNone)
        };
        let is_successful = is_successful && failures < FAILURES_MAX;
        failures += usize::from(!is_successful);
        answers.push(json!({
            "graphId": id,
            "graphResponse": { "compositeResponse": responses },
            "isSuccessful": is_successful,
        }));
    }
    Ok(Answer::json(200, json!({ "graphs": answers })))
}

fn missing(name: &str) -> ApiError {
    let message = format!("The {name} attribute is required");
    ApiError::new(ErrorCode::MISSING_ARGUMENT, message)
}

fn read(graph: &Json) -> Outcome<(&str, Vec<Subrequest<'_>>)> {
    let id = graph["graphId"]
        .as_str()
        .ok_or_else(|| missing("graphId"))?;
    let nodes = graph["compositeRequest"]
        .as_array()
        .ok_or_else(|| missing("compositeRequest"))?;
    Ok((id, nodes.iter().map(subrequest).collect::<Outcome<_>>()?))
}

/// Single records only, of a few kinds.
fn check_nodes(nodes: &[Subrequest<'_>]) -> Outcome<()> {
    let mut kinds = BTreeSet::new();
    for node in nodes {
        let path = node.url.split('?').next().unwrap_or_default();
        let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(3);
        let is_row = parts
            .next()
            .is_some_and(|part| part.eq_ignore_ascii_case("sobjects"));
        let Some(object) = parts.next().filter(|_| is_row) else {
            let message = format!("The URL {} is not supported in a graph", node.url);
            return Err(ApiError::new(ErrorCode::INVALID_INPUT, message));
        };
        kinds.insert((node.method, object.to_ascii_lowercase()));
    }
    if kinds.len() > KINDS_MAX {
        let message = format!("Limit of {KINDS_MAX} kinds of nodes reached in a graph");
        return Err(ApiError::new(ErrorCode::LIMIT_EXCEEDED, message));
    }
    Ok(())
}
