//! The Lambda function `discount-expiry`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(discount_expiry::handle).await
}
