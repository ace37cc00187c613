use super::*;

const HANDLERS: &[&str] = &[
    "account-review",
    "accounts",
    "checkout",
    "discount-expiry",
    "events-out",
    "metric-rollup",
    "metrics",
    "order-placed",
    "order-returned",
    "program",
    "referral-redemption",
    "simulation",
    "surveys",
];

/// Edits the real template, which must be understood before and refused after.
fn faults_after(old: &str, new: &str) -> Vec<Fault> {
    assert!(TEXT.contains(old), "the template no longer contains {old:?}");
    Template::parse(&TEXT.replacen(old, new, 1), HANDLERS).expect_err(old).0
}

#[test]
fn the_real_template_is_understood() {
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let function = |name: &str| template.functions.iter().find(|function| function.name == name).unwrap();
    assert_eq!(function("order-placed").routes.len(), 3);
    assert_eq!(
        function("order-placed").queues,
        [QueueSource { queue: "OrderPlacedQueue".into(), batch_size: 10, reports_failures: true }]
    );
    assert_eq!(function("accounts").routes.len(), 21);
    let queue = template.queue(&template.rules[0].targets[0].queue).unwrap();
    let redrive = Redrive { queue: "OrderPlacedDeadLetters".into(), max_receive_count: 5 };
    assert_eq!((queue.visibility_timeout_s, queue.redrive.as_ref()), (180, Some(&redrive)));
    let ledger = template.tables.iter().find(|table| table.name == "ledger").unwrap();
    assert_eq!(ledger.key, Key { hash: "account_id".into(), range: Some("sk".into()) });
    assert_eq!(ledger.indexes[0].name, "due");
    assert_eq!(ledger.stream.as_deref(), Some("NEW_IMAGE"));
    let source = StreamSource {
        table: "LedgerTable".into(),
        pattern: StreamPattern { events: vec!["INSERT".into()], attribute: "sk".into(), prefix: "E#".into() },
        batch_size: 100,
        reports_failures: true,
        bisects: true,
        retries_max: 20,
        age_s_max: 21_600,
        dead_letters: "EventsOutDeadLetters".into(),
    };
    assert_eq!(function("events-out").streams, [source]);
    assert_eq!(template.buses, ["Bus", "EventsBus"]);
}

/// What is announced must not come in again: the bus that it is put on is none that orders come by.
#[test]
fn no_loop_leads_from_what_is_announced_back_in() {
    let resources = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(TEXT).unwrap()["Resources"].clone();
    let refers = |value: &serde_yaml_ng::Value, to: &str| serde_yaml_ng::to_string(value).unwrap().contains(to);
    let rules = resources.as_mapping().unwrap().values().filter(|one| one["Type"] == "AWS::Events::Rule");
    let buses: Vec<_> = rules.map(|rule| rule["Properties"]["EventBusName"].clone()).collect();
    assert!(buses.len() > 1 && buses.iter().all(|bus| refers(bus, "!Ref Bus") && !refers(bus, "EventsBus")));
    let variables = &resources["EventsOut"]["Properties"]["Environment"]["Variables"];
    assert!(refers(&variables["EVENTS_BUS_NAME"], "EventsBus"));
    for (name, resource) in resources.as_mapping().unwrap() {
        let puts = refers(&resource["Properties"]["Policies"], "events:PutEvents");
        assert_eq!(puts, name == "EventsOut", "{name:?}");
    }
}

#[test]
fn an_event_takes_one_way_and_waits_in_the_name_of_its_account() {
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let ways = |kind: &str, detail: serde_json::Value| {
        let rules = template.rules.iter().filter(|rule| rule.takes(kind, &detail));
        rules.map(|rule| (rule.id.as_str(), rule.targets.as_slice())).collect::<Vec<_>>()
    };
    let target = |queue: &str, group: Option<&str>, dead: &str| Target {
        queue: queue.into(),
        group_field: group.map(str::to_owned),
        dead_letters: Some(dead.into()),
    };
    let named = serde_json::json!({"account_id": "acme"});
    let of_account = [target("OrderPlacedQueue", Some("account_id"), "OrderPlacedDeadLetters")];
    for kind in ["OrderPlaced", "OrderAmended", "OrderPaid"] {
        assert_eq!(ways(kind, named.clone()), [("OrderPlacedRule", &of_account[..])], "{kind}");
    }
    let of_nobody = [target("OrderReturnedQueue", None, "OrderReturnedDeadLetters")];
    for detail in [serde_json::json!({"order_id": "1"}), serde_json::json!(null), serde_json::json!({"account_id": {}})]
    {
        assert_eq!(ways("OrderCancelled", detail), [("OrderReturnedUngroupedRule", &of_nobody[..])]);
    }
    assert_eq!(ways("AccountReturned", named.clone())[0].0, "OrderReturnedRule");
    assert_eq!(ways("OrderShipped", named), []);
}

#[test]
fn state_machines_are_read_with_their_functions_and_schedules() {
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let machine = |index: usize| &template.machines[index];
    let functions = |index: usize| machine(index).definition.functions().into_iter().collect::<Vec<_>>();
    assert_eq!((machine(0).id.as_str(), functions(0)), ("ExpirySweep", vec!["discount-expiry"]));
    assert_eq!((machine(1).id.as_str(), functions(1)), ("ReviewSweep", vec!["account-review"]));
    assert_eq!(machine(0).timers[0].schedule, Schedule::parse("cron(15 1,7,13,19 * * ? *)").unwrap());
    assert_eq!(machine(1).timers[0].schedule, Schedule::parse("cron(45 1,7,13,19 * * ? *)").unwrap());
    assert_eq!(machine(0).timers[0].input, serde_json::json!({"task": "plan"}));
    assert_eq!(machine(2).id, "NightlyRollup");
    assert_eq!(machine(2).timers[0].schedule, Schedule::parse("cron(5 0 * * ? *)").unwrap());
    assert_eq!(machine(2).timers[0].input, serde_json::json!({"task": "plan"}));
}

#[test]
fn the_zone_of_a_schedule_is_utc_or_what_the_deployment_chose() {
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let zone = |index: usize, chosen: &[&str]| {
        let machine = &template.machines[index];
        let chosen = chosen.iter().map(|zone| ("TimeZone".to_owned(), (*zone).to_owned())).collect();
        template.calendar(machine, &machine.timers[0], &chosen).map(|calendar| calendar.zone_name().to_owned())
    };
    assert_eq!(zone(0, &["America/New_York"]).unwrap(), "UTC");
    assert_eq!(zone(2, &[]).unwrap(), "Europe/London");
    assert_eq!(zone(2, &["America/New_York"]).unwrap(), "America/New_York");
    let refused = zone(2, &["Europe/Atlantis"]).unwrap_err().to_string();
    assert!(refused.contains("NightlyRollup: \"Europe/Atlantis\" is no time zone"), "{refused}");
    let written = TEXT.replacen("Timezone: !Ref TimeZone", "Timezone: Asia/Tokyo", 1);
    let timer = &Template::parse(&written, HANDLERS).unwrap().machines[2].timers[0];
    assert_eq!(timer.zone, Text::Literal("Asia/Tokyo".into()));
}

#[test]
fn variables_come_from_parameters_and_table_names() {
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let function = &template.functions[0];
    let chosen = BTreeMap::from([("SecretKeys".to_owned(), "1:one".to_owned())]);
    let variables = template.environment(function, &chosen, "t1-").unwrap();
    assert_eq!(variables["ACCOUNTS_TABLE"], "t1-accounts");
    assert_eq!(variables["GUILDER_PROGRAM"], "wholesale");
    assert_eq!(variables["GUILDER_SECRETS"], "1:one");

    let refused = template.environment(function, &BTreeMap::new(), "").unwrap_err().to_string();
    assert!(refused.contains("GUILDER_SECRETS: parameter SecretKeys has no default"), "{refused}");
    let loud = BTreeMap::from([("SecretKeys".into(), "1:one".into()), ("LogLevel".into(), "loud".into())]);
    assert!(template.environment(function, &loud, "").unwrap_err().to_string().contains("parameter LogLevel"));
}

#[test]
fn functions_are_told_of_every_table_by_a_variable() {
    let template = Template::embedded().unwrap();
    let of_ledger = template.tables.iter().find(|table| table.name == "ledger").unwrap();
    assert_eq!(template.variable_of(of_ledger), Some("LEDGER_TABLE"));
    assert!(template.tables.iter().all(|table| template.variable_of(table).is_some()));
}

#[test]
fn what_is_not_understood_is_refused_with_its_path() {
    let rows = [
        // what is edited, into what, where that is reported, and how
        (
            "Path: /v1/orders}",
            "Pathx: /v1/orders}",
            "OrderPlaced.Properties.Events.Post.Properties.Pathx",
            "unknown key",
        ),
        ("Path: /v1/orders}", "Pathx: /v1/orders}", "OrderPlaced.Properties.Events.Post.Properties", "Path is missing"),
        ("Path: /v1/orders}", "Path: v1/orders}", "Post.Properties.Path", "must be a path"),
        ("Path: /v1/orders}", "Path: '/v1/{proxy+}'}", "Post.Properties.Path", "must be a path"),
        ("Method: POST", "Method: PSOT", "Post.Properties.Method", "\"PSOT\" is not understood"),
        (
            "Method: GET, Path: '/v1/accounts/{account_id}'",
            "Method: PUT, Path: '/v1/accounts/{id}'",
            "Resources",
            "is a route of Accounts and of Accounts",
        ),
        ("Type: SQS", "Type: Kinesis", "Events.Announced.Type", "\"Kinesis\" is not understood"),
        ("provided.al2023", "provided.al2", "Globals.Function.Runtime", "\"provided.al2\" is not understood"),
        ("MemorySize", "MemorySzie", "Globals.Function.MemorySzie", "unknown key"),
        ("rust-cargolambda", "makefile", "Metadata.BuildMethod", "not understood"),
        ("AWS::Events::EventBus", "AWS::Events::EventBuss", "Resources.Bus.Type", "is not understood"),
        (
            "AWS::Logs::LogGroup",
            "AWS::SNS::TopicInlinePolicy",
            "Resources.OrderPlacedLogs.Type",
            "\"AWS::SNS::TopicInlinePolicy\" is not understood",
        ),
        ("TreatMissingData", "TreatMissing", "ExpirySweepFailed.Properties.TreatMissing", "unknown key"),
        (
            "Value: !Ref ExpirySweep}",
            "Value: !Ref Alarms}",
            "Dimensions[0].Value",
            "not a AWS::Serverless::StateMachine",
        ),
        ("[!Ref Alarms]", "[!Ref Bus]", "ExpirySweepFailed.Properties.AlarmActions[0]", "not a AWS::SNS::Topic"),
        (
            "!Ref AccountsTable",
            "!Ref AccountTable",
            "Variables.ACCOUNTS_TABLE",
            "AccountTable is neither a parameter nor a resource",
        ),
        ("!Ref AccountsTable", "!Ref Api", "Variables.ACCOUNTS_TABLE", "Api is no table, queue or bus"),
        ("!Ref AccountsTable", "!ImportValue Accounts", "Variables.ACCOUNTS_TABLE", "!ImportValue is not understood"),
        (
            "!GetAtt AccountsTable.Arn",
            "!GetAtt AccountsTable.An",
            "Statement[0].Resource[0]",
            "has no attribute \"An\"",
        ),
        (
            "!GetAtt OrderPlacedQueue.Arn",
            "!GetAtt LedgerTable.Arn",
            "Targets[0].Arn",
            "LedgerTable is a AWS::DynamoDB::Table, not a AWS::SQS::Queue",
        ),
        (
            "Queue: !GetAtt OrderPlacedQueue.Arn",
            "Queue: orders",
            "Announced.Properties.Queue",
            "must be the !GetAtt Arn",
        ),
        ("guilder-${Stage}", "guilder-${Stag}", "Resources.Api.Properties.Name", "Stag is neither"),
        ("Name: !Sub guilder-${Stage}", "Name: {'Fn::Sub': x}", "Api.Properties.Name.Fn::Sub", "short form"),
        ("functions/accounts", "functions/account", "Accounts.Properties.CodeUri", "holds no function"),
        ("functions/accounts", "functions/account", "Resources", "no function has the code of functions/accounts"),
        (
            "DefaultAuthorizer: Token",
            "DefaultAuthorizer: Tokn",
            "Api.Properties.Auth.DefaultAuthorizer",
            "\"Tokn\" is not understood",
        ),
        ("DefaultAuthorizer: Token", "X: y", "Api.Properties.Auth", "DefaultAuthorizer is missing"),
        ("Authorizer: NONE", "Authorizer: None", "Auth.Authorizer", "\"None\" is not understood"),
        ("{Authorizer: NONE}", "{Scopes: NONE}", "GetDescription.Properties.Auth", "Authorizer is missing"),
        ("ReportBatchItemFailures", "ReportFailures", "FunctionResponseTypes[0]", "not understood"),
        ("maxReceiveCount: 5", "maxReceiveCount: often", "RedrivePolicy.maxReceiveCount", "must be a whole number"),
        ("VisibilityTimeout: 180", "VisibilityTimeout: 90", "Resources", "six timeouts"),
        (
            "detail-type: [OrderPlaced, OrderAmended, OrderPaid]",
            "detailtype: [OrderPlaced]",
            "EventPattern.detailtype",
            "unknown key",
        ),
        (
            "BillingMode: PAY_PER_REQUEST",
            "BillingMode: PROVISIONED",
            "AccountsTable.Properties.BillingMode",
            "not understood",
        ),
        (
            "KeyType: RANGE",
            "KeyType: SORT",
            "GlobalSecondaryIndexes[0].KeySchema[1].KeyType",
            "\"SORT\" is not understood",
        ),
        (
            "{AttributeName: order_key, AttributeType: S}",
            "{AttributeName: order, AttributeType: S}",
            "OrdersTable.Properties.AttributeDefinitions",
            "exactly the attributes",
        ),
        ("StreamViewType: NEW_IMAGE", "StreamViewType: NEW", "StreamSpecification.StreamViewType", "not understood"),
        (
            "AllowedValues: [arm64, x86_64]",
            "AllowedValues: [x86_64]",
            "Parameters.Architecture.Default",
            "not one of AllowedValues",
        ),
        ("cron(15 1/6 * * ? *)", "cron(15 1/6 * * *)", "EverySixHours.Properties.Schedule", "six fields"),
        (
            "Type: Schedule",
            "Type: Timer",
            "ExpirySweep.Properties.Events.EverySixHours.Type",
            "\"Timer\" is not understood",
        ),
        ("Input: '{\"task\": \"plan\"}'", "Input: plan", "EverySixHours.Properties.Input", "expected"),
        ("Input: '{", "Inputs: '{", "EverySixHours.Properties.Inputs", "unknown key"),
        ("Type: ScheduleV2", "Type: ScheduleV3", "EveryNight.Type", "\"ScheduleV3\" is not understood"),
        ("Type: ScheduleV2", "Type: Schedule", "EveryNight.Properties.ScheduleExpression", "unknown key"),
        ("Type: Schedule\n", "Type: ScheduleV2\n", "EverySixHours.Properties.Schedule", "unknown key"),
        (
            "ScheduleExpression: cron",
            "FlexibleTimeWindow: cron",
            "EveryNight.Properties.FlexibleTimeWindow",
            "unknown key",
        ),
        ("ScheduleExpression: cron(5 0", "ScheduleExpression: cron(5 24", "Properties.ScheduleExpression", "no hour"),
        ("Timezone: !Ref TimeZone", "TimeZone: UTC", "EveryNight.Properties", "ScheduleExpressionTimezone is missing"),
        ("Timezone: !Ref TimeZone", "Timezone: Atlantis", "ScheduleExpressionTimezone", "\"Atlantis\" is no time zone"),
        (
            "Timezone: !Ref TimeZone",
            "Timezone: !Ref LogLevel",
            "ScheduleExpressionTimezone",
            "\"info\" is no time zone",
        ),
        ("Timezone: !Ref TimeZone", "Timezone: !Ref Bus", "ScheduleExpressionTimezone", "the !Ref of a parameter"),
        (
            "ComparisonOperator: LessThanThreshold\n      TreatMissingData: breaching",
            "ComparisonOperator: LessThanThreshold\n      TreatMissingData: notBreaching",
            "NightlyRollupMissing.Properties.TreatMissingData",
            "known here: breaching",
        ),
        (
            "TreatMissingData: notB",
            "TreatMissingData: b",
            "ExpirySweepFailed.Properties.TreatMissingData",
            "not understood",
        ),
        ("sweep.asl.json", "swept.asl.json", "ExpirySweep.Properties.DefinitionUri", "is no definition"),
        (
            "{Function: !GetAtt DiscountExpiry.Arn}",
            "{Function: !GetAtt AccountsTable.Arn}",
            "DefinitionSubstitutions.Function",
            "not a AWS::Serverless::Function",
        ),
        (
            "{Function: !GetAtt DiscountExpiry.Arn}",
            "{Functoin: !GetAtt DiscountExpiry.Arn}",
            "ExpirySweep.Properties.DefinitionUri",
            "stands for no function",
        ),
        (
            "DefinitionSubstitutions:",
            "DefinitionSubstitution:",
            "ExpirySweep.Properties.DefinitionSubstitution",
            "unknown key",
        ),
        ("Outputs:", "Mappings: {}\nOutputs:", "Mappings", "unknown key"),
        ("HasDomain: !Not", "HasDomian: !Not", "Resources.ApiDomain.Condition", "HasDomain is not a condition"),
        (
            "!Not [!Equals [!Ref CertificateArn, '']]\n  Keeps",
            "!Or [!Ref DomainName]\n  Keeps",
            "HasDomain",
            "!Or of 1 is not understood",
        ),
        (
            "!Equals [!Ref OrderPlacedConcurrency",
            "!Equals [!Ref Concurrency",
            "Conditions.KeepsOrderPlaced[0][0]",
            "Concurrency is neither",
        ),
        (
            "!If [KeepsOrderPlaced, ",
            "!If [KeepOrderPlaced, ",
            "OrderPlaced.Properties.ReservedConcurrentExecutions[0]",
            "KeepOrderPlaced is not a condition",
        ),
        ("!If [KeepsOrderPlaced, ", "!Select [KeepsOrderPlaced, ", "ReservedConcurrentExecutions", "!Select of 3"),
        ("Timeout: 30", "Timeout: !If [HasDomain, 30, 60]", "Globals.Function.Timeout", "must be a whole number"),
        (
            "Type: AWS::DynamoDB::Table\n",
            "Type: AWS::DynamoDB::Table\n    Condition: HasDomain\n",
            "Resources.AccountsTable.Condition",
            "unknown key",
        ),
        (
            "Stage: !Ref Api.Stage",
            "Stage: !Ref Apis.Stage",
            "ApiDomainMapping.Properties.Stage",
            "Apis.Stage is neither",
        ),
        (
            "DomainName: !Ref ApiDomain",
            "DomainName: !Ref Api",
            "Properties.DomainName",
            "not a AWS::ApiGatewayV2::DomainName",
        ),
        (
            "MessageGroupId: $.detail.account_id",
            "MessageGroupId: accounts",
            "OrderPlacedRule.Properties.Targets[0].SqsParameters.MessageGroupId",
            "is no path",
        ),
        ("SqsParameters: {M", "SqsParameter: {M", "Targets[0].SqsParameter", "unknown key"),
        ("[{exists: true}]", "[{exists: yes please}]", "EventPattern.detail.account_id[0].exists", "not understood"),
        ("[{exists: true}]", "[{prefix: a}]", "EventPattern.detail.account_id[0].prefix", "unknown key"),
        ("[{exists: true}]", "[acme, other]", "EventPattern.detail.account_id", "nothing else"),
        (
            "Stream: !GetAtt LedgerTable.StreamArn",
            "Stream: !GetAtt LedgerTable.Arn",
            "Written.Properties.Stream",
            "!GetAtt StreamArn",
        ),
        ("StartingPosition: TRIM", "StartingPosition: X", "Properties.StartingPosition", "not understood"),
        ("BisectBatchOnFunctionError", "BisectBatch", "Written.Properties.BisectBatch", "unknown key"),
        ("BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError: 1", "OnFunctionError", "not understood"),
        (
            "MaximumRetryAttempts: 20",
            "ParallelizationFactor: 1",
            "Written.Properties",
            "MaximumRetryAttempts is missing",
        ),
        ("MaximumRecordAgeInSeconds: 21600", "MaximumRecordAgeInSeconds: x", "AgeInSeconds", "must be a whole number"),
        ("DestinationConfig:", "Destination:", "Written.Properties", "DestinationConfig is missing"),
        (
            "Destination: !GetAtt EventsOutDeadLetters.Arn",
            "Destination: !GetAtt LedgerTable.Arn",
            "OnFailure.Destination",
            "not a AWS::SQS::Queue",
        ),
        ("FilterCriteria:", "Filter:", "Written.Properties", "FilterCriteria is missing"),
        ("- Pattern: '{\"eventName\"", "- Pattern: '{\"event\"", "Filters[0].Pattern", "must name eventName"),
        ("[\"INSERT\"]", "[\"WRITE\"]", "Filters[0].Pattern", "must name eventName"),
        ("{\"sk\": {\"S\"", "{\"sk\": {\"T\"", "Filters[0].Pattern", "must name eventName"),
        ("Transform: AWS::Serverless-2016-10-31", "Description: x", "document", "duplicate entry"),
    ];
    for (old, new, path, reason) in rows {
        let faults = faults_after(old, new);
        let found = faults.iter().any(|fault| fault.path.ends_with(path) && fault.reason.contains(reason));
        assert!(found, "{old:?} -> {new:?}: expected {path}: {reason}\nfound {}", Faults(faults));
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let text = TEXT.replacen("MemorySize", "MemorySzie", 1).replacen("Method: POST", "Metod: POST", 1);
    let message = Template::parse(&text, HANDLERS).unwrap_err().to_string();
    for fault in ["Globals.Function.MemorySzie", "Post.Properties.Metod", "Post.Properties: Method is missing"] {
        assert!(message.contains(fault), "{message}");
    }
}

/// Least privilege: no policy of the template names an action or a resource by a wildcard.
#[test]
fn no_policy_grants_more_than_it_names() {
    let policies = TEXT.lines().filter(|line| line.contains("Action:") || line.contains("Resource:"));
    assert!(policies.clone().count() > 8);
    assert_eq!(policies.filter(|line| line.contains('*')).collect::<Vec<_>>(), Vec::<&str>::new());
}

/// What SAM is told about stages is of parameters that there are, and nothing that is nobody else's business.
#[test]
fn the_stages_of_sam_choose_what_there_is_to_choose_and_hold_no_secret() {
    const TEXT_OF_SAM: &str = include_str!("../../../../samconfig.toml");
    let template = Template::parse(TEXT, HANDLERS).unwrap();
    let document: toml::Table = toml::from_str(TEXT_OF_SAM).unwrap();
    let overrides = |stage: &str, task: &str| {
        let task = document[stage].get(task)?.get("parameters")?.get("parameter_overrides")?.as_array()?;
        let pairs = task.iter().map(|text| text.as_str().unwrap().split_once('=').unwrap());
        Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>())
    };
    for (stage, task) in
        [("dev", "deploy"), ("prod", "deploy"), ("default", "local_invoke"), ("default", "local_start_api")]
    {
        let chosen = overrides(stage, task).unwrap();
        for (name, value) in &chosen {
            let parameter = template.parameters.get(name).unwrap_or_else(|| panic!("{stage}: there is no {name}"));
            assert!(parameter.allowed.is_empty() || parameter.allowed.contains(value), "{stage}: {name}={value}");
        }
        assert_eq!(chosen.contains_key("SecretKeys"), task != "deploy", "{stage}");
    }
    assert_eq!(overrides("prod", "deploy").unwrap()["DeletionProtection"], "true");
    // No account has a place here.
    let digits = TEXT_OF_SAM.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    assert!(digits < Some(12) && !TEXT_OF_SAM.contains("arn:"));
}

#[test]
fn paths_match_by_shape() {
    let path = Path::parse("/v1/orders/{source}/{order_id}/score").unwrap();
    let parameters = path.parameters("/v1/orders/shop/A%201/score").unwrap();
    assert_eq!(parameters, [("source", "shop"), ("order_id", "A%201")]);
    assert_eq!(path.parameters("/v1/orders/shop//score"), None);
    assert_eq!(path.parameters("/v1/orders/shop/1/score/"), None);
    assert_eq!(path.to_string(), "/v1/orders/{source}/{order_id}/score");
}
