//! The local cloud: everything that AWS does around the functions, on one machine and from the same `template.yaml`.
//!
//! It holds no rule of the program. What it imitates it imitates faithfully enough that a handler cannot tell: the
//! payloads of API Gateway and SQS, at-least-once delivery, the API of DynamoDB.

pub mod cloud;
pub mod connector;
pub mod endpoint;
pub mod gateway;
pub mod queue;
pub mod tables;
pub mod template;
