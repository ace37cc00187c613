//! DynamoDB's address, said in advance where it is plain. The SDK asks its rules for it, and these first read a description
//! of all partitions, each with a regular expression: work of every start (`cargo bench -p tests --bench start`).

use store::aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};

/// How the regions of the partition `aws` begin.
const REGIONS: [&str; 9] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"];

/// An address that does not depend on the request.
#[derive(Debug)]
pub struct Known(Endpoint);

impl Known {
    /// The endpoint that was named, or the region's own. `None` where only the SDK's rules know it: other partitions,
    /// and regions spelt like none that exists.
    pub fn of(region: &str, named: Option<&str>) -> Option<Self> {
        let url = match named {
            Some(url) => url.to_owned(),
            None if is_of_aws(region) => format!("https://dynamodb.{region}.amazonaws.com"),
            None => return None,
        };
        Some(Self(Endpoint::builder().url(url).build()))
    }
}

impl ResolveEndpoint for Known {
    fn resolve_endpoint(&self, _: &Params) -> EndpointFuture<'_> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

/// `eu-central-1`, but not `us-gov-west-1`, `cn-north-1` nor `eusc-de-east-1`.
fn is_of_aws(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let [continent, place, number] = parts.as_slice() else { return false };
    let is = |part: &str, of: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| of(&byte));
    REGIONS.contains(continent) && is(place, u8::is_ascii_lowercase) && is(number, u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Known;
    use store::aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Endpoint, Params, ResolveEndpoint};

    fn by_the_rules(region: &str, named: Option<&str>) -> Endpoint {
        let params = Params::builder().region(region).set_endpoint(named.map(str::to_owned)).build().unwrap();
        let resolver = DefaultResolver::new();
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async { ResolveEndpoint::resolve_endpoint(&resolver, &params).await.unwrap() })
    }

    #[test]
    fn what_is_known_is_what_the_sdk_would_say() {
        let regions = [
            "af-south-1",
            "ap-northeast-3",
            "ca-west-1",
            "eu-central-1",
            "eu-west-3",
            "il-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-west-2",
            "eu-nowhere-12",
        ];
        for region in regions {
            assert_eq!(Known::of(region, None).unwrap().0, by_the_rules(region, None), "{region}");
            for named in ["https://localhost:8000", "http://127.0.0.1:8000/below"] {
                let known = Known::of(region, Some(named)).unwrap();
                assert_eq!(known.0, by_the_rules(region, Some(named)), "{region} {named}");
            }
        }
    }

    #[test]
    fn other_partitions_are_left_to_the_sdk() {
        let others = ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "aws-global"];
        for region in others {
            assert!(Known::of(region, None).is_none(), "{region}");
        }
        for odd in ["", "-", "eu--1", "eu-central-", "eu-central-1x", "eu-Central-1", "xx-central-1"] {
            assert!(Known::of(odd, None).is_none(), "{odd}");
        }
    }
}
