use super::*;

const HANDLERS: &[&str] = &[
    "account-review",
    "accounts",
    "checkout",
    "discount-expiry",
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
    assert_eq!(function("accounts").routes.len(), 20);
    let queue = template.queue(&template.rules[0].queues[0]).unwrap();
    let redrive = Redrive { queue: "OrderPlacedDeadLetters".into(), max_receive_count: 5 };
    assert_eq!((queue.visibility_timeout_s, queue.redrive.as_ref()), (180, Some(&redrive)));
    let ledger = template.tables.iter().find(|table| table.name == "ledger").unwrap();
    assert_eq!(ledger.key, Key { hash: "account_id".into(), range: Some("sk".into()) });
    assert_eq!(ledger.indexes[0].name, "due");
    assert_eq!(ledger.stream.as_deref(), Some("NEW_IMAGE"));
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
        ("!Ref AccountsTable", "!Ref Bus", "Variables.ACCOUNTS_TABLE", "Bus is neither a table nor a queue"),
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
        ("Outputs:", "Rules: {}\nOutputs:", "Rules", "unknown key"),
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

#[test]
fn paths_match_by_shape() {
    let path = Path::parse("/v1/orders/{source}/{order_id}/score").unwrap();
    let parameters = path.parameters("/v1/orders/shop/A%201/score").unwrap();
    assert_eq!(parameters, [("source", "shop"), ("order_id", "A%201")]);
    assert_eq!(path.parameters("/v1/orders/shop//score"), None);
    assert_eq!(path.parameters("/v1/orders/shop/1/score/"), None);
    assert_eq!(path.to_string(), "/v1/orders/{source}/{order_id}/score");
}
