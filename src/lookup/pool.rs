//! Several questions at a time, all of them answered or given up by one deadline.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::Deadline;
use crate::lookup::{Answer, Client, Outcome, Question, Source};

/// Questions that may wait for a thread; more are not asked.
const WAITING_MAX: usize = 1024;
/// Rounds of questions in a row that nobody answered, after which nobody is asked for [`PAUSE`].
const SILENT_MAX: u32 = 3;
/// How long a silent server is left alone: every round would cost a deadline.
const PAUSE: Duration = Duration::from_secs(5);

/// A question, the round it belongs to and its place in it.
struct Job {
    round: u64,
    index: usize,
    question: Question,
    deadline: Deadline,
}

/// The answer to a [`Job`].
struct Done {
    round: u64,
    index: usize,
    answer: Answer,
}

/// Threads that ask one server.
#[derive(Debug)]
pub struct Pool {
    jobs: SyncSender<Job>,
    done: Receiver<Done>,
    deadline: Duration,
    round: u64,
    silent: u32,
    paused: Option<Deadline>,
}

impl Pool {
    /// Starts `threads` threads, at least one. They end soon after the pool is dropped.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn start(client: Client, threads: usize, deadline: Duration) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(WAITING_MAX);
        let (answered, done) = channel::<Done>();
        let (client, waiting) = (Arc::new(client), Arc::new(Mutex::new(waiting)));
        for index in 0..threads.max(1) {
            let (client, waiting, answered) = (Arc::clone(&client), Arc::clone(&waiting), answered.clone());
            let name = format!("roaming-{index}");
            thread::Builder::new().name(name).spawn(move || work(&client, &waiting, &answered))?;
        }
        Ok(Self { jobs, done, deadline, round: 0, silent: 0, paused: None })
    }

    /// A server that leaves whole rounds without any answer is left alone for a while.
    fn note(&mut self, answers: &[Answer]) {
        let is_silent = answers.iter().all(|answer| answer.outcome == Outcome::TimedOut);
        self.silent = if is_silent { self.silent + 1 } else { 0 };
        if self.silent >= SILENT_MAX {
            self.silent = 0;
            self.paused = Some(Deadline::after(PAUSE));
        }
    }
}

impl Source for Pool {
    fn ask(&mut self, questions: &[Question]) -> Vec<Answer> {
        if self.paused.is_some_and(|pause| !pause.left().is_zero()) {
            return vec![Answer::none(Outcome::Skipped); questions.len()];
        }
        self.round += 1;
        let (round, deadline) = (self.round, Deadline::after(self.deadline));
        let mut answers = vec![Answer::none(Outcome::TimedOut); questions.len()];
        let mut open = 0_usize;
        for (index, question) in questions.iter().enumerate() {
            match self.jobs.try_send(Job { round, index, question: *question, deadline }) {
                Ok(()) => open += 1,
                Err(_) => answers[index] = Answer::none(Outcome::Skipped),
            }
        }
        while open > 0 {
            let Ok(done) = self.done.recv_timeout(deadline.left()) else { break };
            // An answer to an earlier round came too late.
            if done.round == round {
                open -= 1;
                answers[done.index] = done.answer;
            }
        }
        self.note(&answers);
        answers
    }
}

fn work(client: &Client, waiting: &Mutex<Receiver<Job>>, answered: &Sender<Done>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { round, index, question, deadline }) = next else { return };
        let answer = if deadline.left().is_zero() {
            Answer::none(Outcome::TimedOut)
        } else {
            client.ask(&question, deadline)
        };
        if answered.send(Done { round, index, answer }).is_err() {
            return;
        }
    }
}
