//! `maia chat`: a conversation in the terminal through the proxy, with what memory made of it under each answer.

mod input;
mod remembered;
mod turn;

use std::io::{self, IsTerminal as _};

use clap::Args;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::Failure;
use super::display::{note, one_line};
use super::memories::NamespaceArgs;
use super::session::{self, Missing, ServerArgs, Setup};
use crate::client::Client;
use crate::model::NamespaceName;
use input::{Input, Line};
use turn::Ended;

/// Hold a conversation with the model behind maia, and see which memories it uses and learns.
///
/// Answers go to standard output, and what memory made of them to standard error. Without a terminal each line of standard input is a message.
/// Where the proxy has no key of its own for the backend, the one in `OPENAI_API_KEY` is sent.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia chat
  maia chat --model llama3.2 --namespace alice
  maia chat 'Suggest something for dinner.'
  echo 'What do you know about me?' | maia chat 2>/dev/null

In the conversation, /help lists the commands, Ctrl-C stops an answer, and Ctrl-D leaves.

Exit codes: 0 done, 1 not done (the backend cannot be reached), 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ChatArgs {
    /// One message, and no conversation
    #[arg(value_name = "MESSAGE")]
    words: Vec<String>,
    #[command(flatten)]
    namespace: NamespaceArgs,
    /// The model [default: the first that the backend lists]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// What the model is told before the conversation
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Use no memories
    #[arg(long)]
    no_memory: bool,
    /// Remember nothing
    #[arg(long)]
    no_remember: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = "\
/model [NAME]      the models of the backend, or the one from here on
/namespace [NAME]  whose memories these are, or others in a new conversation
/new               begin anew; what is remembered stays
/quit              leave, as Ctrl-D does
Ctrl-C stops an answer.";

/// A conversation.
struct Chat<'a> {
    client: &'a Client,
    namespace: NamespaceName,
    model: String,
    system: Option<String>,
    /// All that was said, as the model gets it.
    messages: Vec<Value>,
    conversation: String,
    memory: bool,
    remember: bool,
}

/// What is to happen after a line.
enum Next {
    Go,
    Leave,
}

pub(super) fn run(args: &ChatArgs, setup: Setup) -> Result<(), Failure> {
    let namespace = args.namespace.name(&setup.config);
    session::block_on(async {
        let client = session::find(&args.server, setup, Missing::Make).await?;
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| no_signals(&error))?;
        session::with(&client, async {
            tokio::select! {
                done = converse(args, &client, namespace) => done,
                _ = terminate.recv() => Err(Failure::Stopped("stopped".into())),
            }
        })
        .await
    })
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::Failed(format!("no signals: {error}"))
}

async fn converse(args: &ChatArgs, client: &Client, namespace: NamespaceName) -> Result<(), Failure> {
    let model = match &args.model {
        Some(model) => model.clone(),
        None => first_model(client).await?,
    };
    let mut chat = Chat {
        client,
        namespace,
        model,
        system: args.system.clone(),
        messages: Vec::new(),
        conversation: String::new(),
        memory: !args.no_memory,
        remember: !args.no_remember,
    };
    chat.begin();
    if !args.words.is_empty() {
        return chat.say(&args.words.join(" ")).await.map(|_| ());
    }
    let at_terminal = io::stdin().is_terminal();
    if at_terminal {
        note(&format!(
            "model {}, namespace {}, {}\n/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves",
            one_line(&chat.model),
            chat.namespace,
            client.base().unwrap_or("without a server")
        ));
    }
    let mut input = Input::open(at_terminal)?;
    loop {
        // Anew for each line: the Ctrl-C that stopped an answer is not for what comes after it.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| no_signals(&error))?;
        let line = tokio::select! {
            line = input.next() => line?,
            _ = interrupt.recv() => return Err(Failure::Stopped("stopped".into())),
        };
        let line = match line {
            Line::Text(line) => line,
            Line::Interrupted => {
                note("Ctrl-D or /quit leaves");
                continue;
            }
            Line::End => return Ok(()),
        };
        let did = match line.trim() {
            "" => Ok(Next::Go),
            line if line.starts_with('/') => chat.command(line).await,
            line => chat.say(line).await,
        };
        match did {
            Ok(Next::Go) => {}
            Ok(Next::Leave) => return Ok(()),
            // Whoever is there can try again; a script cannot.
            Err(failure) if at_terminal => eprintln!("maia: {}", failure.message()),
            Err(failure) => return Err(failure),
        }
    }
}

impl Chat<'_> {
    fn begin(&mut self) {
        self.messages = self
            .system
            .iter()
            .map(|text| json!({ "role": "system", "content": text }))
            .collect();
        self.conversation = Uuid::now_v7().to_string();
    }

    async fn command(&mut self, line: &str) -> Result<Next, Failure> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (name, rest) {
            ("/quit" | "/exit", _) => return Ok(Next::Leave),
            ("/help", _) => note(HELP),
            ("/new", _) => {
                self.begin();
                note("a new conversation");
            }
            ("/model", "") => {
                for model in models(self.client).await? {
                    let mark = if model == self.model { "*" } else { " " };
                    note(&format!("{mark} {}", one_line(&model)));
                }
            }
            ("/model", model) => {
                model.clone_into(&mut self.model);
                note(&format!("model {}", one_line(model)));
            }
            ("/namespace", "") => note(&format!("namespace {}", self.namespace)),
            ("/namespace", name) => {
                self.namespace = NamespaceName::parse(name).map_err(Failure::Failed)?;
                // What was said with the memories of one must not be answered with those of another.
                self.begin();
                note(&format!("namespace {}, a new conversation", self.namespace));
            }
            _ => return Err(Failure::Failed(format!("there is no command {name}; /help lists them"))),
        }
        Ok(Next::Go)
    }

    /// A message, its answer, and what memory made of both.
    async fn say(&mut self, text: &str) -> Result<Next, Failure> {
        let request = format!("chat-{}", Uuid::now_v7());
        let forecast = remembered::Forecast::of(self, text).await;
        self.messages.push(json!({ "role": "user", "content": text }));
        let spoken = match turn::take(self, &request).await {
            Ok(spoken) => spoken,
            Err(failure) => {
                // The message may be sent again, and must not stand twice then.
                self.messages.pop();
                return Err(failure);
            }
        };
        if spoken.text.is_empty() {
            self.messages.pop();
        } else {
            self.messages
                .push(json!({ "role": "assistant", "content": spoken.text }));
        }
        let heard = (spoken.ended == Ended::Whole).then_some(spoken.text.as_str());
        remembered::report(self, forecast, (text, heard), &spoken.used, &request).await;
        match spoken.ended {
            Ended::Broken(failure) => Err(failure),
            Ended::Whole | Ended::Stopped => Ok(Next::Go),
        }
    }
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// The models of the backend, in its order.
pub(super) async fn models(client: &Client) -> Result<Vec<String>, Failure> {
    let response = client
        .send(Method::GET, "/proxy/v1/models", backend_key(), None)
        .await?;
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Failure::Failed(format!("the list of models broke off: {error}")))?;
    let models: Models = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Failure::Failed(format!("the backend's list of models cannot be read: {error}")))?;
    Ok(models.data.into_iter().map(|model| model.id).collect())
}

async fn first_model(client: &Client) -> Result<String, Failure> {
    let name_one = "name a model with --model; maia doctor looks at the backend";
    let models = models(client).await.map_err(|failure| failure.but(name_one))?;
    let first = models.into_iter().next();
    first.ok_or_else(|| Failure::Failed(format!("the backend lists no models; {name_one}")))
}

/// The client's own key for the backend, as every client of the protocol sends it.
pub(super) fn backend_key() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    if let (false, Ok(mut value)) = (key.is_empty(), HeaderValue::try_from(format!("Bearer {key}"))) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    headers
}
