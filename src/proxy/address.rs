//! Where a call goes: the backend's address as its user wrote it, with or without `/v1`, joined with the path of the call.

use http::uri::Uri;

/// Hosts of Azure `OpenAI`, which takes its key in a header of its own (<https://learn.microsoft.com/azure/ai-services/openai/reference>).
const AZURE_HOSTS: &[&str] = &[
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
];

/// The address of a backend, and of the calls to it.
#[derive(Clone, Debug)]
pub struct Address {
    /// Scheme, host and path, without a slash at the end.
    base: String,
    /// Query that goes with every call (Azure's `api-version`).
    query: Option<String>,
    /// Scheme, host and port.
    origin: String,
    azure: bool,
}

impl Address {
    /// Reads an address. `path` stands between it and the path of a call; without it that is `/v1`, unless the address names a version itself.
    ///
    /// # Errors
    /// It is no address, with a sentence that says so.
    pub fn parse(address: &str, path: Option<&str>) -> Result<Self, String> {
        let wrong = || format!("proxy.backend is no address: {address:?}");
        let uri: Uri = address.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        let host = authority.host().to_ascii_lowercase();
        let own_path = uri
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect::<Vec<_>>();
        // A gateway before Azure has a name of its own, but the paths and the key header of Azure.
        let is_deployment = own_path.windows(2).any(|pair| pair == ["openai", "deployments"]);
        let azure = is_deployment || AZURE_HOSTS.iter().any(|suffix| host.ends_with(suffix));
        let between = match path {
            Some(path) => path,
            None if own_path.iter().any(|segment| is_version(segment)) => "",
            // A deployment takes the call right behind its name.
            None if own_path.contains(&"deployments") => "",
            None if azure && own_path.is_empty() => "/openai/v1",
            None => "/v1",
        };
        let origin = format!("{scheme}://{authority}");
        let own_path: String = own_path.iter().flat_map(|segment| ["/", segment]).collect();
        let base = format!("{origin}{own_path}{between}");
        Ok(Self {
            base,
            query: uri.query().map(str::to_owned),
            origin,
            azure,
        })
    }

    /// The address of a call: `rest` is its path behind `/proxy/v1`.
    #[must_use]
    pub fn of_call(&self, rest: &str, query: Option<&str>) -> String {
        let mut address = format!("{}{rest}", self.base);
        for (index, query) in [self.query.as_deref(), query].into_iter().flatten().enumerate() {
            address.push(if index == 0 { '?' } else { '&' });
            address.push_str(query);
        }
        address
    }

    /// Scheme, host and port, for people.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the backend takes its key as `api-key`.
    #[must_use]
    pub fn is_azure(&self) -> bool {
        self.azure
    }
}

/// `v1`, `v4`, `v1beta`.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
