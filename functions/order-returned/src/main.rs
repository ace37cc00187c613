//! The Lambda function `order-returned`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run_with_queue(order_returned::handle).await
}
