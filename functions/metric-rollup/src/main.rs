//! The Lambda function `metric-rollup`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(metric_rollup::handle).await
}
