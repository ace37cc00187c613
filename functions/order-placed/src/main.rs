//! The Lambda function `order-placed`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run_rehearsed(order_placed::handle, async |app| {
        order_placed::rehearse(app).await;
    })
    .await
}
