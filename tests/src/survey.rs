//! What is asked of contacts, and what they say.

use crate::actor::Cloud;
use crate::reply::Reply;
use serde_json::{Value, json};

impl Cloud {
    /// A survey, there or not.
    pub fn survey(&self, id: &str) -> Survey {
        Survey { cloud: self.clone(), id: id.to_owned() }
    }

    /// An account with these contacts, enrolled if it is not.
    pub async fn people(&self, account: &str, contacts: &[&str]) {
        let account = self.account(account);
        let enrolled = account.put(json!({"name": account.id()})).await;
        assert!(enrolled.status() < 300, "{}", enrolled.json());
        for contact in contacts {
            let document = json!({"name": contact, "role": "buyer", "locale": "en"});
            account.put_contact(contact, document).await.expect(201);
        }
    }
}

/// A question that contacts are asked.
#[derive(Clone)]
pub struct Survey {
    cloud: Cloud,
    id: String,
}

impl Survey {
    /// Where it is.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/surveys/{}{rest}", self.id)
    }

    /// States it.
    pub async fn put(&self, document: Value) -> Reply {
        self.cloud.put(&self.path(""), &document).await
    }

    /// The same, once it is open for the first time.
    pub async fn opened(self) -> Self {
        self.put(json!({"name": self.id})).await.expect(201);
        self
    }

    /// Opens it again.
    pub async fn open(&self) -> Reply {
        self.put(json!({"name": self.id, "status": "open"})).await.expect(200)
    }

    /// Closes it.
    pub async fn close(&self) -> Reply {
        self.put(json!({"name": self.id, "status": "closed"})).await.expect(200)
    }

    /// The survey as it stands.
    pub async fn shown(&self) -> Reply {
        self.cloud.get(&self.path("")).await
    }

    /// What a contact says, being written.
    pub fn answer(&self, account: &str, contact: &str, score: u8) -> Answer {
        let document = json!({"account_id": account, "contact_id": contact, "score": score});
        Answer { survey: self.clone(), document }
    }

    /// One page of its answers.
    pub async fn answers(&self, query: &str) -> Reply {
        self.cloud.get(&self.path(&format!("/answers{query}"))).await
    }

    /// All its answers, in pages of this size.
    pub async fn all_answers(&self, limit: u16) -> Vec<Value> {
        let (mut answers, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let page = self.answers(&query).await.expect(200).json();
            answers.extend(page["answers"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit={limit}&cursor={cursor}"),
                None => return answers,
            }
        }
    }
}

/// What a contact says.
#[derive(Clone)]
pub struct Answer {
    survey: Survey,
    document: Value,
}

impl Answer {
    /// Any field.
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.document[field] = value;
        self
    }

    /// In their own words.
    #[must_use]
    pub fn comment(self, comment: &str) -> Self {
        self.set("comment", json!(comment))
    }

    /// Its document.
    pub fn document(&self) -> Value {
        self.document.clone()
    }

    /// Sends it.
    pub async fn send(&self) -> Reply {
        self.survey.cloud.request("POST", &self.survey.path("/answers"), self.document.to_string()).await
    }
}
