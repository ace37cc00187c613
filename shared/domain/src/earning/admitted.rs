//! Which lines of an order the rules count by what was bought.
//!
//! That is the same however many units of a line are kept. An order that is judged many times, once for each of its
//! returns, has the lists of the rules looked through once.

use crate::order::Order;
use crate::program::Program;

/// For each rule and each line, whether the rule's filter admits what the line is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admitted {
    by_rule: Vec<Vec<bool>>,
}

impl Admitted {
    /// Looks through the filters of all rules for every line.
    pub fn of(program: &Program, order: &Order) -> Self {
        let rules = program.earning.rules().iter();
        let admits = rules.map(|rule| order.lines.iter().map(|line| rule.lines.admits_product(line)).collect());
        Self { by_rule: admits.collect() }
    }

    /// Whether the rule of that place admits what the line of that place is of.
    pub(super) fn admits(&self, rule: usize, line: usize) -> bool {
        self.by_rule.get(rule).and_then(|lines| lines.get(line)).copied().unwrap_or(false)
    }
}
