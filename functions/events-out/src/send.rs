//! Puts events on the bus, as many with a call as it takes, and keeps account of whose did not get there.

use runtime::bus::{BYTES_MAX, Bus, EVENTS_MAX, Message};
use runtime::{App, Deadline, Fault};
use std::collections::BTreeSet;

/// What is sent as one: the events of an entry.
pub struct Parcel {
    /// By which it is reported where it fails.
    pub number: String,
    /// Whose it is.
    pub account: String,
    /// What logs call it.
    pub subject: String,
}

/// Events on their way.
pub struct Sending<'a> {
    bus: &'a Bus,
    deadline: Deadline,
    /// What goes with the next call, in its order.
    waiting: Vec<(Message, usize)>,
    bytes: usize,
    /// All parcels so far that have events, and whether each has failed.
    parcels: Vec<(Parcel, bool)>,
    /// The place, in the order of records, of each number.
    order: Vec<String>,
    failed: BTreeSet<String>,
    /// Accounts of which something has failed: what comes after it has to wait.
    held_up: BTreeSet<String>,
    /// The bus cannot be reached, or time is up: nothing more is tried.
    is_over: bool,
}

impl<'a> Sending<'a> {
    pub fn new(app: &'a App, deadline: Deadline) -> Result<Self, Fault> {
        Ok(Self {
            bus: app.bus()?,
            deadline,
            waiting: Vec::new(),
            bytes: 0,
            parcels: Vec::new(),
            order: Vec::new(),
            failed: BTreeSet::new(),
            held_up: BTreeSet::new(),
            is_over: false,
        })
    }

    /// Whether nothing of this account before has failed, and there is time.
    pub fn may_send(&mut self, account: &str) -> bool {
        if !self.is_over && self.deadline.is_over() {
            tracing::warn!("out of time: the records that are left will come again");
            self.is_over = true;
        }
        !self.is_over && !self.held_up.contains(account)
    }

    /// A record whose turn it is not.
    pub fn put_off(&mut self, number: String) {
        self.order.push(number.clone());
        self.failed.insert(number);
    }

    /// A record that cannot be sent.
    pub fn fail(&mut self, parcel: &Parcel, reason: &str) {
        self.order.push(parcel.number.clone());
        self.note(parcel, reason);
    }

    /// Sends the events of a record, or lets them wait for a call that is worth its while.
    pub async fn add(&mut self, parcel: Parcel, messages: Result<Vec<Message>, Fault>) {
        let messages = match messages {
            Ok(messages) => messages,
            Err(fault) => return self.fail(&parcel, &fault.to_string()),
        };
        if let Some(large) = messages.iter().map(Message::bytes).find(|bytes| *bytes > BYTES_MAX) {
            return self.fail(&parcel, &format!("an event has {large} bytes; the bus takes {BYTES_MAX}"));
        }
        self.order.push(parcel.number.clone());
        let place = self.parcels.len();
        self.parcels.push((parcel, false));
        for message in messages {
            let bytes = self.bytes.saturating_add(message.bytes());
            if self.waiting.len() >= EVENTS_MAX || bytes > BYTES_MAX {
                self.call().await;
            }
            self.bytes = self.bytes.saturating_add(message.bytes());
            self.waiting.push((message, place));
        }
    }

    /// Sends what is left; answers the numbers of all records that failed, in their order.
    pub async fn finish(mut self) -> Vec<String> {
        self.call().await;
        let Self { order, failed, .. } = self;
        order.into_iter().filter(|number| failed.contains(number)).collect()
    }

    /// One call. Of an account of which something has failed nothing more is sent.
    async fn call(&mut self) {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let (sendable, held_up): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, place)| self.is_clear(*place));
        for (_, place) in held_up {
            self.fail_at(place, None);
        }
        let messages: Vec<_> = sendable.iter().map(|(message, _)| message).collect();
        if messages.is_empty() {
            return;
        }
        match self.bus.put(&messages).await {
            Ok(outcomes) => {
                for ((_, place), refused) in sendable.iter().zip(outcomes) {
                    match refused {
                        Some(reason) => self.fail_at(*place, Some(&reason)),
                        // Taken, but too early: something of its account before it has to come again.
                        None if !self.is_clear(*place) => self.fail_at(*place, None),
                        None => {}
                    }
                }
            }
            Err(fault) => {
                // What one call met, the next would meet.
                self.is_over = true;
                let reason = fault.to_string();
                sendable.iter().for_each(|(_, place)| self.fail_at(*place, Some(&reason)));
            }
        }
    }

    fn is_clear(&self, place: usize) -> bool {
        let account = self.parcels.get(place).map(|(parcel, _)| parcel.account.as_str());
        !self.is_over && account.is_some_and(|account| !self.held_up.contains(account))
    }

    fn fail_at(&mut self, place: usize, reason: Option<&str>) {
        let Some((parcel, has_failed)) = self.parcels.get_mut(place) else { return };
        let is_first = !std::mem::replace(has_failed, true);
        let Parcel { number, account, subject } = parcel;
        if let (true, Some(reason)) = (is_first, reason) {
            log(number, account, subject, reason);
        }
        self.failed.insert(number.clone());
        self.held_up.insert(account.clone());
    }

    fn note(&mut self, parcel: &Parcel, reason: &str) {
        let Parcel { number, account, subject } = parcel;
        log(number, account, subject, reason);
        self.failed.insert(number.clone());
        self.held_up.insert(account.clone());
    }
}

/// A failure is logged here with its reason: an answer names numbers only.
fn log(number: &str, account: &str, subject: &str, reason: &str) {
    tracing::warn!(record = %number, account.id = %account, "{subject} was not announced: {reason}");
}
