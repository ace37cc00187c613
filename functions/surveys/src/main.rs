//! The Lambda function `surveys`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(surveys::handle).await
}
