//! The Lambda function `simulation`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run_with_queue(simulation::handle).await
}
