//! Intrinsics: every `!Ref`, `!GetAtt` and `!Sub` of the document leads to something that exists, and what is chosen by
//! `!If` hangs on a condition that does. No value that the local cloud acts on may hang on one.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

use super::read::{Fields, Node};

/// What AWS itself provides.
const PSEUDO_PARAMETERS: &[&str] = &["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName"];

/// What the document defines and intrinsics may name.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) parameters: BTreeSet<&'a str>,
    pub(super) conditions: BTreeSet<&'a str>,
    /// Type of each resource by logical id.
    pub(super) resources: BTreeMap<&'a str, &'a str>,
    /// The folder below `functions/` of each function by logical id.
    pub(super) folders: BTreeMap<&'a str, String>,
}

impl<'a> Names<'a> {
    /// Reports every intrinsic at or below `node` that is not understood or leads nowhere.
    pub(super) fn check(&self, node: &Node<'a>) {
        match node.value {
            Value::Tagged(_) => self.check_intrinsic(node),
            Value::Sequence(_) => node.items().iter().for_each(|item| self.check(item)),
            Value::Mapping(_) => {
                for (key, child) in node.entries() {
                    if key == "Ref" || key.starts_with("Fn::") {
                        child.fault("intrinsics are understood in their short form only, such as !Ref");
                    }
                    self.check(&child);
                }
            }
            _ => {}
        }
    }

    fn check_intrinsic(&self, node: &Node<'a>) {
        if let Some((name, arguments)) = node.call() {
            return self.check_call(node, &name, &arguments);
        }
        let fault = match node.intrinsic() {
            Some((name, target)) if name == "Ref" => self.dangling(target),
            Some((name, target)) if name == "GetAtt" => self.dangling_attribute(target),
            Some((name, text)) if name == "Sub" => variables(text).find_map(|variable| {
                if variable.contains('.') { self.dangling_attribute(variable) } else { self.dangling(variable) }
            }),
            Some((name, _)) => Some(format!("!{name} is not understood; known: !Ref, !GetAtt, !Sub, !If")),
            None => Some("an intrinsic is understood with plain text or a list only".into()),
        };
        if let Some(fault) = fault {
            node.fault(fault);
        }
    }

    /// `!If` chooses a value; what conditions are made of stands nowhere else.
    fn check_call(&self, node: &Node<'a>, name: &str, arguments: &[Node<'a>]) {
        let is_condition = ["Conditions.", "Rules."].iter().any(|section| node.path.starts_with(section));
        match (name, arguments) {
            ("If", [condition, chosen @ ..]) if chosen.len() == 2 && !is_condition => {
                self.check_condition(condition);
                let is_nothing = |node: &&Node<'a>| node.intrinsic() != Some(("Ref".to_owned(), "AWS::NoValue"));
                chosen.iter().filter(is_nothing).for_each(|node| self.check(node));
            }
            ("Equals", [_, _]) | ("Not", [_]) if is_condition => arguments.iter().for_each(|node| self.check(node)),
            _ => node.fault(format!(
                "!{name} of {} is not understood; known: !If of three and, in conditions, !Equals of two and !Not of one",
                arguments.len()
            )),
        }
    }

    /// Reports the condition of a resource or an output that does not exist.
    pub(super) fn condition(&self, fields: &Fields<'a>) {
        if let Some(condition) = fields.get("Condition") {
            self.check_condition(&condition);
        }
    }

    fn check_condition(&self, node: &Node<'a>) {
        let Some(name) = node.text() else { return };
        if !self.conditions.contains(name.as_str()) {
            node.fault(format!("{name} is not a condition"));
        }
    }

    fn dangling(&self, target: &str) -> Option<String> {
        // What SAM makes of an API and calls by its name.
        if let Some(api) = target.strip_suffix(".Stage")
            && self.resources.get(api) == Some(&"AWS::Serverless::HttpApi")
        {
            return None;
        }
        let known = self.parameters.contains(target)
            || self.resources.contains_key(target)
            || PSEUDO_PARAMETERS.contains(&target);
        (!known).then(|| format!("{target} is neither a parameter nor a resource"))
    }

    fn dangling_attribute(&self, target: &str) -> Option<String> {
        let (id, attribute) = target.split_once('.').unwrap_or((target, ""));
        let Some(kind) = self.resources.get(id) else { return Some(format!("{id} is not a resource")) };
        (!attributes(kind).contains(&attribute)).then(|| format!("{id} ({kind}) has no attribute {attribute:?}"))
    }

    /// Logical id of the resource of type `kind` that `node` names by `!Ref` or, given an `attribute`, by `!GetAtt`.
    ///
    /// A name that leads nowhere is already reported by [`Self::check`] and only yields nothing here.
    pub(super) fn resource(&self, node: &Node<'_>, kind: &str, attribute: Option<&str>) -> Option<String> {
        let id = match (node.intrinsic(), attribute) {
            (Some((name, target)), None) if name == "Ref" => target,
            (Some((name, target)), Some(attribute)) if name == "GetAtt" => {
                target.strip_suffix(attribute).and_then(|id| id.strip_suffix('.')).unwrap_or(target)
            }
            (_, None) => {
                node.fault(format!("must be the !Ref of a {kind}"));
                return None;
            }
            (_, Some(attribute)) => {
                node.fault(format!("must be the !GetAtt {attribute} of a {kind}"));
                return None;
            }
        };
        let found = self.resources.get(id)?;
        if *found == kind {
            return Some(id.to_owned());
        }
        node.fault(format!("{id} is a {found}, not a {kind}"));
        None
    }
}

fn attributes(kind: &str) -> &'static [&'static str] {
    match kind {
        "AWS::DynamoDB::Table" => &["Arn", "StreamArn"],
        "AWS::SQS::Queue" => &["Arn", "QueueName", "QueueUrl"],
        "AWS::Events::Rule" | "AWS::Logs::LogGroup" | "AWS::Serverless::Function" => &["Arn"],
        "AWS::Events::EventBus" | "AWS::Serverless::StateMachine" => &["Arn", "Name"],
        "AWS::Serverless::HttpApi" => &["ApiEndpoint"],
        "AWS::ApiGatewayV2::DomainName" => &["RegionalDomainName", "RegionalHostedZoneId"],
        _ => &[],
    }
}

/// The names between `${` and `}`; `${!…}` is an escape.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|n| !n.starts_with('!'))
}
