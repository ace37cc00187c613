//! Structs of counts that add up field by field.

/// Declares a struct of integers that merges with others of its kind: checked, in any order the same.
macro_rules! sums {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $name {
            /// Adds what another counted. Fails with [`Overflow`](crate::histogram::Overflow), having added some of it.
            pub fn add(&mut self, other: &Self) -> Result<(), crate::histogram::Overflow> {
                $(self.$field = self.$field.checked_add(other.$field).ok_or(crate::histogram::Overflow)?;)*
                Ok(())
            }
        }
    };
}

pub(super) use sums;
