//! The sections and resources of the template, each with the keys it may have.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_yaml_ng::Value;

use super::read::{Fields, Node, Sink};
use super::references::Names;
use super::rule::rule;
use super::stream;
use super::timer::timer;
use super::{
    DEFINITIONS, Definition, Faults, Function, Index, Key, Machine, Parameter, Path, Queue, QueueSource, Redrive,
    Route, Table, Template, Text,
};

const ALARM: &str = "AWS::CloudWatch::Alarm";
pub(super) const API: &str = "AWS::Serverless::HttpApi";
pub(super) const BUS: &str = "AWS::Events::EventBus";
const DASHBOARD: &str = "AWS::CloudWatch::Dashboard";
const DOMAIN: &str = "AWS::ApiGatewayV2::DomainName";
const DOMAIN_MAPPING: &str = "AWS::ApiGatewayV2::ApiMapping";
pub(super) const FUNCTION: &str = "AWS::Serverless::Function";
const LOGS: &str = "AWS::Logs::LogGroup";
pub(super) const MACHINE: &str = "AWS::Serverless::StateMachine";
pub(super) const QUEUE: &str = "AWS::SQS::Queue";
const QUEUE_POLICY: &str = "AWS::SQS::QueuePolicy";
const RULE: &str = "AWS::Events::Rule";
const SUBSCRIPTION: &str = "AWS::SNS::Subscription";
pub(super) const TABLE: &str = "AWS::DynamoDB::Table";
pub(super) const TOPIC: &str = "AWS::SNS::Topic";

/// Function properties that may also stand in `Globals`.
const SHARED: &[&str] = &["Runtime", "Handler", "Architectures", "MemorySize", "Timeout", "Environment"];

/// Lambda's own default, in seconds.
const TIMEOUT_S: u64 = 3;
/// Lambda's own default.
const MEMORY_MB: u64 = 128;
/// SQS's own default, in seconds.
const VISIBILITY_TIMEOUT_S: u64 = 30;

/// Reads the whole document.
pub(super) fn template(document: &Value, handlers: &[&str]) -> Result<Template, Faults> {
    let faults = Sink::default();
    let root = Node::root(document, &faults);
    let sections = root.fields(
        &["AWSTemplateFormatVersion", "Transform", "Parameters", "Conditions", "Globals", "Resources", "Outputs"],
        &["Description", "Rules"],
    );
    if let Some(version) = sections.need("AWSTemplateFormatVersion") {
        version.one_of(&["2010-09-09"]);
    }
    if let Some(transform) = sections.need("Transform") {
        transform.one_of(&["AWS::Serverless-2016-10-31"]);
    }
    let mut reader = Reader::new(&sections, handlers);
    reader.names.check(&root);
    for (_, output) in entries(&sections, "Outputs") {
        let fields = output.fields(&["Value", "Condition"], &["Description"]);
        fields.need("Value");
        reader.names.condition(&fields);
    }
    let parameters = entries(&sections, "Parameters").into_iter();
    reader.template.parameters = parameters.map(|(id, node)| (id.to_owned(), parameter(&node))).collect();
    for (id, resource) in entries(&sections, "Resources") {
        reader.resource(id, &resource);
    }
    if let Some(resources) = sections.need("Resources") {
        reader.check_whole(&resources);
    }

    let Reader { template, .. } = reader;
    let faults = faults.into_faults();
    if faults.is_empty() { Ok(template) } else { Err(Faults(faults)) }
}

fn entries<'a>(fields: &Fields<'a>, key: &str) -> Vec<(&'a str, Node<'a>)> {
    fields.get(key).map(|node| node.entries()).unwrap_or_default()
}

fn parameter(node: &Node<'_>) -> Parameter {
    let fields = node.fields(
        &["Type", "Default", "AllowedValues"],
        &["AllowedPattern", "Description", "MinLength", "MinValue", "NoEcho"],
    );
    if let Some(kind) = fields.need("Type") {
        kind.one_of(&["String", "Number"]);
    }
    let allowed = fields.get("AllowedValues").map(|values| values.texts()).unwrap_or_default();
    let default = fields.get("Default").and_then(|value| {
        let text = value.text()?;
        if !allowed.is_empty() && !allowed.contains(&text) {
            value.fault("is not one of AllowedValues");
        }
        Some(text)
    });
    Parameter { default, allowed }
}

struct Reader<'a> {
    names: Names<'a>,
    handlers: &'a [&'a str],
    /// The properties of functions that `Globals` gives.
    shared: Option<Fields<'a>>,
    template: Template,
}

impl<'a> Reader<'a> {
    fn new(sections: &Fields<'a>, handlers: &'a [&'a str]) -> Self {
        let globals = sections.get("Globals").and_then(|globals| globals.fields(&["Function"], &[]).need("Function"));
        let kind = |node: &Node<'a>| node.value.get("Type").and_then(Value::as_str).unwrap_or_default();
        let folder = |id: &&'a str, node: &Node<'a>| {
            let uri = node.value.get("Properties")?.get("CodeUri")?.as_str()?;
            Some((*id, uri.strip_prefix("functions/")?.to_owned()))
        };
        Self {
            names: Names {
                parameters: entries(sections, "Parameters").iter().map(|(id, _)| *id).collect(),
                conditions: entries(sections, "Conditions").iter().map(|(id, _)| *id).collect(),
                resources: entries(sections, "Resources").iter().map(|(id, node)| (*id, kind(node))).collect(),
                folders: entries(sections, "Resources").iter().filter_map(|(id, node)| folder(id, node)).collect(),
            },
            handlers,
            shared: globals.map(|node| node.fields(SHARED, &[])),
            template: Template {
                parameters: BTreeMap::new(),
                functions: Vec::new(),
                tables: Vec::new(),
                queues: Vec::new(),
                buses: Vec::new(),
                rules: Vec::new(),
                machines: Vec::new(),
                alarms: Vec::new(),
                dashboards: Vec::new(),
            },
        }
    }

    fn resource(&mut self, id: &str, node: &Node<'a>) {
        let kind = self.names.resources.get(id).copied().unwrap_or_default();
        let fields = match kind {
            FUNCTION => node.fields(&["Type", "Metadata", "Properties"], &[]),
            TABLE => node.fields(&["Type", "Properties"], &["DeletionPolicy", "UpdateReplacePolicy"]),
            // What is not there under a condition must be nothing that the local cloud has.
            DOMAIN | DOMAIN_MAPPING | SUBSCRIPTION => node.fields(&["Type", "Properties", "Condition"], &[]),
            _ => node.fields(&["Type", "Properties"], &[]),
        };
        self.names.condition(&fields);
        let Some(properties) = fields.need("Properties") else { return };
        match kind {
            FUNCTION => {
                let metadata = fields.need("Metadata").map(|node| node.fields(&["BuildMethod"], &[]));
                if let Some(method) = metadata.and_then(|metadata| metadata.need("BuildMethod")) {
                    method.one_of(&["rust-cargolambda"]);
                }
                let function = self.function(id, &properties);
                self.template.functions.extend(function);
            }
            TABLE => self.template.tables.extend(table(id, &properties)),
            QUEUE => {
                let queue = self.queue(id, &properties);
                self.template.queues.push(queue);
            }
            RULE => {
                self.template.rules.push(rule(id, &properties, &self.names));
            }
            MACHINE => {
                let machine = self.machine(id, &properties);
                self.template.machines.extend(machine);
            }
            API => api(&properties),
            BUS => {
                properties.fields(&[], &["Name"]);
                self.template.buses.push(id.to_owned());
            }
            DOMAIN => drop(properties.fields(&[], &["DomainName", "DomainNameConfigurations"])),
            DOMAIN_MAPPING => {
                let fields = properties.fields(&["ApiId", "DomainName", "Stage"], &[]);
                fields.need("ApiId").map(|api| self.names.resource(&api, API, None));
                fields.need("DomainName").map(|domain| self.names.resource(&domain, DOMAIN, None));
                fields.need("Stage");
            }
            LOGS => drop(properties.fields(&[], &["LogGroupName", "RetentionInDays"])),
            ALARM => {
                let alarm = self.names.alarm(id, &properties);
                self.template.alarms.extend(alarm);
            }
            DASHBOARD => {
                let dashboard = self.names.dashboard(id, &properties);
                self.template.dashboards.extend(dashboard);
            }
            SUBSCRIPTION => self.subscription(&properties),
            TOPIC => drop(properties.fields(&[], &["TopicName"])),
            QUEUE_POLICY => drop(properties.fields(&[], &["PolicyDocument", "Queues"])),
            _ => node.child("Type", node.value).fault(format!("resource type {kind:?} is not understood")),
        }
    }

    fn function(&self, id: &str, properties: &Node<'a>) -> Option<Function> {
        let unused = &["Description", "LoggingConfig", "Policies", "RecursiveLoop", "ReservedConcurrentExecutions"];
        let own = properties.fields(&[SHARED, &["CodeUri", "Events"]].concat(), unused);
        let find = |key: &str| own.get(key).or_else(|| self.shared.as_ref().and_then(|shared| shared.get(key)));
        let need = |key: &str| find(key).or_else(|| own.need(key));
        if let Some(runtime) = need("Runtime") {
            runtime.one_of(&["provided.al2023"]);
        }
        if let Some(handler) = need("Handler") {
            handler.one_of(&["bootstrap"]);
        }
        let shared_environment = self.shared.as_ref().and_then(|shared| shared.get("Environment"));
        let environments = [shared_environment, own.get("Environment")].into_iter().flatten();
        let variables = environments.filter_map(|node| node.fields(&["Variables"], &[]).need("Variables"));
        let environment = variables
            .flat_map(|node| node.entries())
            .filter_map(|(name, node)| Some((name.to_owned(), self.variable(&node)?)))
            .collect();
        let mut function = Function {
            id: id.to_owned(),
            name: self.folder(&own.need("CodeUri")?)?,
            environment,
            routes: Vec::new(),
            queues: Vec::new(),
            streams: Vec::new(),
            timeout_s: find("Timeout").and_then(|node| node.number()).unwrap_or(TIMEOUT_S),
            memory_mb: find("MemorySize").and_then(|node| node.number()).unwrap_or(MEMORY_MB),
        };
        for (_, event) in entries(&own, "Events") {
            self.event(&event, &mut function);
        }
        Some(function)
    }

    /// The name of a function: its folder below `functions/`.
    fn folder(&self, uri: &Node<'a>) -> Option<String> {
        let text = uri.text()?;
        let name = text.strip_prefix("functions/").unwrap_or_default();
        if self.handlers.contains(&name) {
            return Some(name.to_owned());
        }
        uri.fault(format!("{text:?} holds no function of this program: {}", self.handlers.join(", ")));
        None
    }

    fn variable(&self, node: &Node<'a>) -> Option<Text> {
        match node.intrinsic() {
            Some((name, target)) if name == "Ref" => {
                if self.names.resources.get(target).is_some_and(|kind| ![TABLE, QUEUE, BUS].contains(kind)) {
                    node.fault(format!("{target} is no table, queue or bus and has no value here"));
                }
                Some(Text::Ref(target.to_owned()))
            }
            Some((name, _)) => {
                node.fault(format!("!{name} is not understood in a variable; known: !Ref"));
                None
            }
            None => node.text().map(Text::Literal),
        }
    }

    fn event(&self, node: &Node<'a>, function: &mut Function) {
        let fields = node.fields(&["Type", "Properties"], &[]);
        let kind = fields.need("Type").and_then(|kind| kind.one_of(&["HttpApi", "SQS", "DynamoDB"]));
        let (Some(kind), Some(properties)) = (kind, fields.need("Properties")) else { return };
        match kind.as_str() {
            "HttpApi" => function.routes.extend(self.route(&properties)),
            "DynamoDB" => function.streams.extend(stream::source(&self.names, &properties)),
            _ => function.queues.extend(self.queue_source(&properties)),
        }
    }

    fn route(&self, properties: &Node<'a>) -> Option<Route> {
        let fields = properties.fields(&["ApiId", "Auth", "Method", "Path"], &[]);
        if let Some(api) = fields.need("ApiId") {
            self.names.resource(&api, API, None);
        }
        let method = fields.need("Method")?.one_of(&["GET", "PUT", "POST", "PATCH", "DELETE"]);
        let path = fields.need("Path")?;
        let parsed = path.text().and_then(|text| Path::parse(&text));
        if parsed.is_none() {
            path.fault("must be a path of words and {parameters}");
        }
        // Every route has the API's own authorizer, or none.
        let none = fields.get("Auth").and_then(|auth| auth.fields(&["Authorizer"], &[]).need("Authorizer"));
        let is_open = none.and_then(|none| none.one_of(&["NONE"])).is_some();
        Some(Route { method: method?, path: parsed?, is_open })
    }

    fn queue_source(&self, properties: &Node<'a>) -> Option<QueueSource> {
        let fields = properties.fields(
            &["Queue", "BatchSize", "FunctionResponseTypes"],
            &["MaximumBatchingWindowInSeconds", "ScalingConfig"],
        );
        let reports = fields.get("FunctionResponseTypes").map(|types| types.items()).unwrap_or_default();
        let batch_size = fields.get("BatchSize").and_then(|size| size.number()).unwrap_or(10);
        Some(QueueSource {
            queue: self.names.resource(&fields.need("Queue")?, QUEUE, Some("Arn"))?,
            batch_size: usize::try_from(batch_size).ok()?,
            reports_failures: reports.iter().any(|kind| kind.one_of(&["ReportBatchItemFailures"]).is_some()),
        })
    }

    fn queue(&self, id: &str, properties: &Node<'a>) -> Queue {
        let fields = properties
            .fields(&["VisibilityTimeout", "RedrivePolicy"], &["MessageRetentionPeriod", "SqsManagedSseEnabled"]);
        let visibility = fields.get("VisibilityTimeout").and_then(|node| node.number());
        let redrive = fields.get("RedrivePolicy").and_then(|policy| {
            let fields = policy.fields(&["deadLetterTargetArn", "maxReceiveCount"], &[]);
            let (target, count) = (fields.need("deadLetterTargetArn")?, fields.need("maxReceiveCount")?);
            Some(Redrive {
                queue: self.names.resource(&target, QUEUE, Some("Arn"))?,
                max_receive_count: count.number()?,
            })
        });
        Queue { id: id.to_owned(), visibility_timeout_s: visibility.unwrap_or(VISIBILITY_TIMEOUT_S), redrive }
    }

    fn machine(&self, id: &str, properties: &Node<'a>) -> Option<Machine> {
        let fields = properties.fields(&["DefinitionUri", "DefinitionSubstitutions", "Events"], &["Name", "Policies"]);
        let substitutions = entries(&fields, "DefinitionSubstitutions").into_iter();
        let substitutions = substitutions.filter_map(|(name, node)| {
            let function = self.names.resource(&node, FUNCTION, Some("Arn"))?;
            Some((name.to_owned(), self.names.folders.get(function.as_str())?.clone()))
        });
        let uri = fields.need("DefinitionUri")?;
        let path = uri.text()?;
        let Some((_, text)) = DEFINITIONS.iter().find(|(known, _)| *known == path) else {
            uri.fault(format!("{path:?} is no definition that this program was built with"));
            return None;
        };
        let definition = Definition::parse(text, &substitutions.collect()).map_err(|reason| uri.fault(reason)).ok()?;
        let timers = entries(&fields, "Events")
            .into_iter()
            .filter_map(|(_, event)| timer(&event, &self.template.parameters))
            .collect();
        Some(Machine { id: id.to_owned(), definition: Arc::new(definition), timers })
    }

    /// Who is told of alarms.
    fn subscription(&self, properties: &Node<'a>) {
        let fields = properties.fields(&["TopicArn", "Protocol", "Endpoint"], &[]);
        fields.need("TopicArn").map(|topic| self.names.resource(&topic, TOPIC, None));
        fields.need("Protocol").map(|protocol| protocol.one_of(&["email"]));
        fields.need("Endpoint");
    }

    /// What only shows when everything has been read.
    fn check_whole(&self, resources: &Node<'a>) {
        let functions = &self.template.functions;
        for machine in &self.template.machines {
            let invoked = machine.definition.functions();
            for missing in invoked.iter().filter(|name| functions.iter().all(|function| function.name != ***name)) {
                resources.fault(format!("{} invokes {missing}, which is no function", machine.id));
            }
        }
        for missing in self.handlers.iter().filter(|name| functions.iter().all(|function| function.name != **name)) {
            resources.fault(format!("no function has the code of functions/{missing}"));
        }
        let routes = functions.iter().flat_map(|function| function.routes.iter().map(move |route| (function, route)));
        let mut seen = Vec::<(&Function, &Route)>::new();
        for (function, route) in routes {
            let same =
                |(_, other): &&(&Function, &Route)| other.method == route.method && other.path.same_shape(&route.path);
            if let Some((other, _)) = seen.iter().find(same) {
                let (method, path) = (&route.method, &route.path);
                resources.fault(format!("{method} {path} is a route of {} and of {}", other.id, function.id));
            }
            seen.push((function, route));
        }
        for function in functions {
            for queue in function.queues.iter().filter_map(|source| self.template.queue(&source.queue)) {
                if queue.visibility_timeout_s < function.timeout_s.saturating_mul(6) {
                    let (queue, function) = (&queue.id, &function.id);
                    resources.fault(format!("{queue} must hide a message for six timeouts of {function}"));
                }
            }
        }
    }
}

/// An API must have an authorizer that guards every route: a function also denies by default, but AWS should not even
/// invoke it.
fn api(properties: &Node<'_>) {
    let auth = properties.fields(&["Auth"], &["Name"]).need("Auth");
    let Some(auth) = auth.map(|auth| auth.fields(&["DefaultAuthorizer", "Authorizers"], &[])) else { return };
    let Some(default) = auth.need("DefaultAuthorizer") else { return };
    let known = entries(&auth, "Authorizers").iter().map(|(name, _)| *name).collect::<Vec<_>>();
    default.one_of(&known);
    for (_, authorizer) in entries(&auth, "Authorizers") {
        authorizer.fields(&[], &["IdentitySource", "JwtConfiguration"]);
    }
}

fn table(id: &str, properties: &Node<'_>) -> Option<Table> {
    let fields = properties.fields(
        &["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "StreamSpecification"],
        &["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification"],
    );
    if let Some(mode) = fields.need("BillingMode") {
        mode.one_of(&["PAY_PER_REQUEST"]);
    }
    let definitions = fields.need("AttributeDefinitions")?;
    let attributes = definitions.items().into_iter().filter_map(|node| {
        let fields = node.fields(&["AttributeName", "AttributeType"], &[]);
        let kind = fields.need("AttributeType")?.one_of(&["S", "N", "B"])?;
        Some((fields.need("AttributeName")?.text()?, kind))
    });
    let indexes = fields.get("GlobalSecondaryIndexes").map(|node| node.items()).unwrap_or_default();
    let stream = fields.get("StreamSpecification").and_then(|node| {
        let view = node.fields(&["StreamViewType"], &[]).need("StreamViewType")?;
        view.one_of(&["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"])
    });
    let table = Table {
        id: id.to_owned(),
        name: id.strip_suffix("Table").unwrap_or(id).to_lowercase(),
        key: key(&fields.need("KeySchema")?)?,
        attributes: attributes.collect(),
        indexes: indexes.iter().filter_map(index).collect(),
        stream,
    };
    let keys = std::iter::once(&table.key).chain(table.indexes.iter().map(|index| &index.key));
    let mut used = keys.flat_map(|key| [Some(&key.hash), key.range.as_ref()]).flatten().collect::<Vec<_>>();
    used.sort();
    used.dedup();
    if !used.iter().copied().eq(table.attributes.keys()) {
        definitions.fault(format!("must define exactly the attributes of the keys: {used:?}"));
    }
    Some(table)
}

fn index(node: &Node<'_>) -> Option<Index> {
    let fields = node.fields(&["IndexName", "KeySchema", "Projection"], &[]);
    let projection = fields.need("Projection")?.fields(&["ProjectionType"], &[]).need("ProjectionType")?;
    Some(Index {
        name: fields.need("IndexName")?.text()?,
        key: key(&fields.need("KeySchema")?)?,
        projection: projection.one_of(&["KEYS_ONLY", "ALL"])?,
    })
}

fn key(node: &Node<'_>) -> Option<Key> {
    let parts = node.items().into_iter().filter_map(|node| {
        let fields = node.fields(&["AttributeName", "KeyType"], &[]);
        let kind = fields.need("KeyType")?.one_of(&["HASH", "RANGE"])?;
        Some((kind, fields.need("AttributeName")?.text()?))
    });
    let parts = parts.collect::<Vec<_>>();
    match parts.as_slice() {
        [(first, hash)] if first == "HASH" => Some(Key { hash: hash.clone(), range: None }),
        [(first, hash), (second, range)] if first == "HASH" && second == "RANGE" => {
            Some(Key { hash: hash.clone(), range: Some(range.clone()) })
        }
        _ => {
            node.fault("must be one HASH attribute and at most one RANGE attribute, in this order");
            None
        }
    }
}
