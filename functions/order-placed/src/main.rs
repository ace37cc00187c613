//! The Lambda function `order-placed`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(order_placed::handle).await
}
