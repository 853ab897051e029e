//! Memory that is there before the audio thread uses it.
//!
//! An allocation is a promise: the system gives a page when it is first written to, and the thread that writes may have
//! to wait for it. What the audio thread is to use is therefore written to when it is made.

use rtrb::{Consumer, Producer, RingBuffer};

/// A ring buffer whose memory is there.
pub fn ring<T: Copy>(capacity: usize, value: T) -> (Producer<T>, Consumer<T>) {
    let (mut producer, mut consumer) = RingBuffer::new(capacity);
    while producer.push(value).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

/// An empty vector whose memory is there.
pub fn empty<T: Copy>(capacity: usize, value: T) -> Vec<T> {
    let mut vector = Vec::with_capacity(capacity);
    vector.resize(capacity, value);
    std::hint::black_box(&mut vector).clear();
    vector
}

/// Zeros that are there.
pub fn zeros(length: usize) -> Vec<f32> {
    let mut vector = empty(length, 1.0);
    vector.resize(length, 0.0);
    vector
}
