//! What strace wrote: system calls in the order in which it stopped them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// One system call.
#[derive(Debug)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// When it began, in seconds.
    pub at: f64,
    pub name: String,
    /// Its arguments as strace writes them; what a call reads stands there too.
    pub arguments: String,
    /// The lines at which it began and was seen to end.
    pub began: usize,
    pub ended: usize,
    pub result: i64,
}

/// The command line that runs a program under strace and writes these calls to a file, buffers in
/// full and file descriptors with their paths.
pub fn command(calls: &str, file: &Path) -> Vec<String> {
    let file = file.display().to_string();
    let calls = format!("trace={calls}");
    let line = [
        "strace",
        "-f",
        "-ttt",
        "-y",
        "-qq",
        "-s",
        "9000",
        "-e",
        &calls,
        "-e",
        "signal=none",
        "-o",
        &file,
    ];
    line.map(str::to_owned).to_vec()
}

/// Whether strace is here and may trace; else why not.
pub fn usable() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=none", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("strace: {error}")),
    }
}

/// Reads a trace, oldest first.
pub fn read(file: &Path, mut each: impl FnMut(Call)) {
    let mut pending: HashMap<u32, Call> = HashMap::new();
    let mut lines = BufReader::new(File::open(file).unwrap());
    let mut line = Vec::new();
    for number in 0.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).unwrap() == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let Some((thread, at, rest)) = head(text.trim_end()) else {
            continue;
        };
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some(mut call) = pending.remove(&thread) else {
                continue;
            };
            let more = resumed.split_once("resumed>").map_or("", |(_, more)| more);
            call.arguments.push_str(more);
            call.ended = number;
            each(finished(call));
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else {
            continue;
        };
        let (arguments, goes_on) = match arguments.strip_suffix(" <unfinished ...>") {
            Some(arguments) => (arguments, true),
            None => (arguments, false),
        };
        let call = Call {
            thread,
            at,
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            began: number,
            ended: number,
            result: -1,
        };
        if goes_on {
            pending.insert(thread, call);
        } else {
            each(finished(call));
        }
    }
    // An answer whose end was not seen has begun all the same.
    for call in pending.into_values() {
        each(call);
    }
}

fn head(line: &str) -> Option<(u32, f64, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (at, rest) = rest.trim_start().split_once(' ')?;
    Some((thread.parse().ok()?, at.parse().ok()?, rest))
}

fn finished(mut call: Call) -> Call {
    if let Some(at) = call.arguments.rfind(") = ") {
        let result = call.arguments[at + 4..].split(' ').next();
        call.result = result.and_then(|text| text.parse().ok()).unwrap_or(-1);
        call.arguments.truncate(at);
    }
    call
}

/// The bytes of the first string among arguments, as strace quotes them in C's manner.
pub fn bytes(arguments: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some((_, quoted)) = arguments.split_once('"') else {
        return bytes;
    };
    let mut rest = quoted.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(b'n') => bytes.push(b'\n'),
                Some(b'r') => bytes.push(b'\r'),
                Some(b't') => bytes.push(b'\t'),
                Some(b'v') => bytes.push(0x0b),
                Some(b'f') => bytes.push(0x0c),
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else {
                            break;
                        };
                        value = value * 8 + u32::from(digit - b'0');
                    }
                    bytes.push(u8::try_from(value & 0xff).unwrap());
                }
                Some(other) => bytes.push(other),
                None => break,
            },
            other => bytes.push(other),
        }
    }
    bytes
}
