//! Rules: which events of the bus go into which queues, and in whose name they wait there.

use serde_json::Value;

use super::read::Node;
use super::references::Names;
use super::resources::{BUS, QUEUE};

/// What carries events of certain detail types into queues.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its logical id.
    pub id: String,
    /// The detail types it takes.
    pub detail_types: Vec<String>,
    /// What it asks of an event's detail besides.
    pub fields: Vec<FieldPattern>,
    /// The queues it fills.
    pub targets: Vec<Target>,
}

/// That a field of an event's detail is there, or is not.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldPattern {
    /// The field.
    pub name: String,
    /// Whether it must be there.
    pub exists: bool,
}

/// A queue that a rule fills.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its logical id.
    pub queue: String,
    /// The field of an event's detail that says in whose name the event waits, if one does.
    pub group_field: Option<String>,
    /// Logical id of the queue for what the target does not take.
    pub dead_letters: Option<String>,
}

impl Rule {
    /// Whether it takes an event.
    pub fn takes(&self, detail_type: &str, detail: &Value) -> bool {
        // As in EventBridge, which asks for the existence of leaves only.
        let exists = |name: &str| detail.get(name).is_some_and(|value| !value.is_object());
        self.detail_types.iter().any(|known| known == detail_type)
            && self.fields.iter().all(|field| exists(&field.name) == field.exists)
    }
}

/// Reads a rule.
pub(super) fn rule<'a>(id: &str, properties: &Node<'a>, names: &Names<'a>) -> Rule {
    let fields = properties.fields(&["EventBusName", "EventPattern", "Targets"], &["Description"]);
    if let Some(bus) = fields.need("EventBusName") {
        names.resource(&bus, BUS, None);
    }
    let pattern = fields.need("EventPattern").map(|node| node.fields(&["detail-type", "detail"], &[]));
    let detail_types = pattern.as_ref().and_then(|pattern| pattern.need("detail-type"));
    let detail = pattern.as_ref().and_then(|pattern| pattern.get("detail"));
    let patterns = detail.map(|detail| detail.entries()).unwrap_or_default();
    let targets = fields.need("Targets").map(|targets| targets.items()).unwrap_or_default();
    Rule {
        id: id.to_owned(),
        detail_types: detail_types.map(|types| types.texts()).unwrap_or_default(),
        fields: patterns.iter().filter_map(|(name, node)| field_pattern(name, node)).collect(),
        targets: targets.iter().filter_map(|node| target(node, names)).collect(),
    }
}

fn field_pattern(name: &str, node: &Node<'_>) -> Option<FieldPattern> {
    let items = node.items();
    let [one] = items.as_slice() else {
        node.fault("one {exists: true} or {exists: false} is understood here, and nothing else");
        return None;
    };
    let exists = one.fields(&["exists"], &[]).need("exists")?.one_of(&["true", "false"])?;
    Some(FieldPattern { name: name.to_owned(), exists: exists == "true" })
}

fn target<'a>(node: &Node<'a>, names: &Names<'a>) -> Option<Target> {
    let fields = node.fields(&["Arn", "DeadLetterConfig", "SqsParameters"], &["Id"]);
    let queue = |node: Node<'a>| names.resource(&node, QUEUE, Some("Arn"));
    let dead_letters = fields.get("DeadLetterConfig").and_then(|node| node.fields(&["Arn"], &[]).need("Arn"));
    let group =
        fields.get("SqsParameters").and_then(|node| node.fields(&["MessageGroupId"], &[]).need("MessageGroupId"));
    Some(Target {
        queue: queue(fields.need("Arn")?)?,
        group_field: group.and_then(|node| group_field(&node)),
        dead_letters: dead_letters.and_then(queue),
    })
}

/// A group that is the same for all would be no fairness at all, so it must be a field of the event's detail.
fn group_field(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let field = text.strip_prefix("$.detail.").filter(is_name).map(str::to_owned);
    if field.is_none() {
        node.fault(format!("{text:?} is no path such as $.detail.account_id"));
    }
    field
}
