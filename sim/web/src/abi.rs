//! How JavaScript calls [`answer`]: the four exports of the WebAssembly module.
//!
//! ```text
//! at = sim_alloc(length)        JavaScript writes the request, UTF-8, at that address
//! result = sim_run()            the answer is at result >> 32, and result & 0xffffffff bytes long
//! sim_free()                    the memory of both is given back
//! result = sim_failure()        after a trap: what the program said of it, in the same form
//! ```
//!
//! Rust reads and writes its own buffers and follows no pointer. The addresses are for JavaScript alone.

use std::cell::RefCell;
use std::sync::Once;

use crate::request::answer;

thread_local! {
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static FAILURE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Address and length in one number: a function of WebAssembly gives one result.
fn place(bytes: &[u8]) -> u64 {
    (bytes.as_ptr().addr() as u64) << 32 | bytes.len() as u64
}

/// Room for a request of so many bytes.
#[allow(unsafe_code, reason = "JavaScript finds the function by this name; no other crate exports it")]
#[unsafe(no_mangle)]
extern "C" fn sim_alloc(length: usize) -> usize {
    REQUEST.with_borrow_mut(|request| {
        *request = vec![0; length];
        request.as_mut_ptr().addr()
    })
}

/// Answers the request.
#[allow(unsafe_code, reason = "as for `sim_alloc`")]
#[unsafe(no_mangle)]
extern "C" fn sim_run() -> u64 {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            FAILURE.with_borrow_mut(|failure| *failure = panic.to_string().into_bytes());
        }));
    });
    let request = REQUEST.take();
    let answered = answer(&String::from_utf8_lossy(&request));
    ANSWER.with_borrow_mut(|answer| {
        *answer = answered.into_bytes();
        place(answer)
    })
}

/// Gives the memory of the request and of the answer back.
#[allow(unsafe_code, reason = "as for `sim_alloc`")]
#[unsafe(no_mangle)]
extern "C" fn sim_free() {
    drop(REQUEST.take());
    drop(ANSWER.take());
}

/// What the program said when it trapped.
#[allow(unsafe_code, reason = "as for `sim_alloc`")]
#[unsafe(no_mangle)]
extern "C" fn sim_failure() -> u64 {
    FAILURE.with_borrow(|failure| place(failure))
}
