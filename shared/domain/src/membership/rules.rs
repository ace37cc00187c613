//! How an account becomes a member: what the program says of it.

/// How an account becomes a member, and how long it is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MembershipRules {
    /// Whoever is enrolled is a member.
    #[default]
    Open,
    /// Whoever is enrolled has applied, and is a member once somebody has approved.
    Approval,
    /// Who enrols states an invitation.
    Invitation,
    /// Who has paid is a member for a period.
    Paid(Fee),
}

/// The terms of a paid membership. The fee itself the merchant charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee {
    /// Months that one payment is good for, to the same local wall time. 1 to 60.
    pub months: u16,
    /// Days after them in which it still is a member, and a payment goes on where the last one ended. 0 to 180.
    pub grace_days: u16,
}

impl MembershipRules {
    /// Whether somebody lets accounts in, or turns them away.
    pub fn admits(self) -> bool {
        matches!(self, Self::Approval | Self::Invitation)
    }

    /// The terms, where it is paid for.
    pub fn fee(self) -> Option<Fee> {
        match self {
            Self::Paid(fee) => Some(fee),
            Self::Open | Self::Approval | Self::Invitation => None,
        }
    }
}
