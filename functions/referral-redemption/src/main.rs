//! The Lambda function `referral-redemption`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run(referral_redemption::handle).await
}
