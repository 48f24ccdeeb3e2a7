//! A backend that speaks TLS and, where it is asked to, HTTP/2; and the certificates for it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority of the test's own, and a certificate of it for `localhost`.
pub(crate) struct Certificates {
    /// The authority, as a file of settings holds it.
    pub(crate) authority: String,
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = Issuer::new(authority.clone(), KeyPair::generate().unwrap());
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
        Self {
            leaf: leaf.signed_by(&key, &issuer).unwrap().der().clone(),
            authority: authority.self_signed(issuer.key()).unwrap().pem(),
            key: key.serialize_der(),
        }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// A backend that answers everything with the same stream and a trailer.
pub(crate) struct SecureBackend {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Arrived>>>,
    accepting: JoinHandle<()>,
}

impl SecureBackend {
    /// What it answers.
    pub(crate) const ANSWER: &'static str = "data: {\"choices\":[]}\r\n\r\ndata: [DONE]\n\n";
    /// The trailer behind it.
    pub(crate) const TRAILER: (&'static str, &'static str) = ("x-checksum", "abc");

    /// Offers these protocols, the one it likes best first.
    pub(crate) async fn start(certificates: &Certificates, protocols: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificates.key.clone()));
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificates.leaf.clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let log = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    // A client that does not trust us goes away.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| answer(request, Arc::clone(&log)));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            address,
            seen,
            accepting,
        }
    }

    /// Its address by this name, without a path.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://{name}:{}", self.address.port())
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Arrived> {
        self.seen.lock().unwrap().clone()
    }

    /// The newest request.
    #[track_caller]
    pub(crate) fn last(&self) -> Arrived {
        self.requests().pop().expect("a request at the backend")
    }
}

impl Drop for SecureBackend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Arrived>>>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().cloned();
    log.lock().unwrap().push(Arrived {
        version: parts.version,
        headers: parts.headers,
        body: body.to_bytes(),
        trailers,
    });
    let (name, value) = SecureBackend::TRAILER;
    let trailers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
    let (first, rest) = SecureBackend::ANSWER.split_at(11);
    let body = StreamBody::new(async_stream::stream! {
        yield Ok(Frame::data(Bytes::from(first)));
        yield Ok(Frame::data(Bytes::from(rest)));
        yield Ok(Frame::trailers(trailers));
    });
    let response = Response::builder()
        .header("content-type", "text/event-stream")
        .header("trailer", name)
        .body(body);
    Ok(response.unwrap())
}
