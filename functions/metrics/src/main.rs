//! The Lambda function `metrics`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(metrics::handle).await
}
