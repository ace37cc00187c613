//! The Lambda function `accounts`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(accounts::handle).await
}
