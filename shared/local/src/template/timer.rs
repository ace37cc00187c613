//! What starts a state machine by itself: its `Schedule` and `ScheduleV2` events.

use std::collections::BTreeMap;

use domain::time::Calendar;

use super::read::Node;
use super::{Parameter, Schedule, Text, Timer};

/// A schedule of a state machine: a rule's, which is in UTC, or one of EventBridge Scheduler, in a zone of its own.
pub(super) fn timer(node: &Node<'_>, parameters: &BTreeMap<String, Parameter>) -> Option<Timer> {
    let fields = node.fields(&["Type", "Properties"], &[]);
    let kind = fields.need("Type")?.one_of(&["Schedule", "ScheduleV2"])?;
    let properties = fields.need("Properties")?;
    let (fields, schedule, zone) = if kind == "Schedule" {
        let fields = properties.fields(&["Schedule", "Input"], &["Description", "RetryPolicy"]);
        let schedule = fields.need("Schedule");
        (fields, schedule, Some(Text::Literal("UTC".to_owned())))
    } else {
        let known = ["ScheduleExpression", "ScheduleExpressionTimezone", "Input"];
        let fields = properties.fields(&known, &["Name", "Description", "RetryPolicy"]);
        let (schedule, zone) = (fields.need("ScheduleExpression"), fields.need("ScheduleExpressionTimezone"));
        (fields, schedule, zone.and_then(|zone| self::zone(&zone, parameters)))
    };
    let (schedule, input) = (schedule?, fields.need("Input")?);
    let parsed = Schedule::parse(&schedule.text()?).map_err(|reason| schedule.fault(reason)).ok();
    let document = serde_json::from_str(&input.text()?).map_err(|reason| input.fault(reason.to_string())).ok();
    Some(Timer { schedule: parsed?, zone: zone?, input: document? })
}

/// A time zone, or the parameter that names one.
fn zone(node: &Node<'_>, parameters: &BTreeMap<String, Parameter>) -> Option<Text> {
    let text = match node.intrinsic() {
        Some((name, target)) if name == "Ref" && parameters.contains_key(target) => Text::Ref(target.to_owned()),
        Some(_) => {
            node.fault("must be a time zone or the !Ref of a parameter");
            return None;
        }
        None => Text::Literal(node.text()?),
    };
    let known = match &text {
        Text::Literal(zone) => Some(zone),
        Text::Ref(parameter) => parameters.get(parameter)?.default.as_ref(),
    };
    if let Some(zone) = known.filter(|zone| Calendar::of(zone).is_none()) {
        node.fault(format!("{zone:?} is no time zone"));
    }
    Some(text)
}
