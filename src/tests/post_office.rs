//! A mail server on loopback (RFC 5321, as much of it as a client needs), which keeps what it is given
//! and refuses what a test wants refused.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

/// What the server answers to a recipient, and to the mail itself.
type Answers = dyn Fn(&str, &str) -> String + Send + Sync;

/// The server. It ends with its owner.
pub struct PostOffice {
    pub url: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    task: JoinHandle<()>,
}

impl PostOffice {
    /// Takes everything.
    pub async fn open() -> Self {
        Self::answering(|_, _| "250 fine".to_owned()).await
    }

    /// Answers `RCPT` by the recipient (with empty data) and `DATA` by recipient and data. An empty
    /// answer is none: the client waits.
    pub async fn answering(answers: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (taken, answers): (_, Arc<Answers>) = (Arc::default(), Arc::new(answers));
        let into = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&into), Arc::clone(&answers)));
            }
        });
        Self { url, taken, task }
    }

    /// What it has taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, taken: Arc<Mutex<Vec<Taken>>>, answers: Arc<Answers>) {
    let mut stream = BufReader::new(stream);
    let mut mail = Taken {
        from: String::new(),
        to: Vec::new(),
        data: String::new(),
    };
    say(&mut stream, "220 loopback").await;
    while let Some(line) = heard(&mut stream).await {
        let inside = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 loopback".to_owned(),
            "MAIL" => {
                mail = Taken {
                    from: inside,
                    to: Vec::new(),
                    data: String::new(),
                };
                "250 fine".to_owned()
            }
            "RCPT" => {
                let answer = answers(&inside, "");
                if answer.starts_with('2') {
                    mail.to.push(inside);
                }
                answer
            }
            "DATA" => {
                say(&mut stream, "354 go on").await;
                mail.data = data(&mut stream).await;
                let answer = answers(mail.to.first().map_or("", String::as_str), &mail.data);
                if answer.starts_with('2') {
                    taken.lock().unwrap().push(mail.clone());
                }
                answer
            }
            "QUIT" => return,
            _ => "250 fine".to_owned(),
        };
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        say(&mut stream, &answer).await;
    }
}

async fn heard(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end().to_owned()),
    }
}

/// The mail up to the line with one full stop, which is none of it (§4.5.2).
async fn data(stream: &mut BufReader<TcpStream>) -> String {
    let mut data = String::new();
    while let Some(line) = heard(stream).await {
        if line == "." {
            break;
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push('\n');
    }
    data
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) {
    // A client that went away has heard enough.
    let _ = stream.write_all(format!("{line}\r\n").as_bytes()).await;
}
