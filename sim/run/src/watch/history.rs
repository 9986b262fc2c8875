//! The history: what every client asked and was told, with true invocation and response times.

use leasehold_world::{Event, Happening, Process, Reader, Reply, Request, World};

/// One operation of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Which client.
    pub client: usize,
    /// The node it asked.
    pub node: usize,
    /// What it asked.
    pub request: Request,
    /// True time of the invocation, ns.
    pub invoked: u64,
    /// When the node answered, ns, if it did.
    pub answered: Option<u64>,
    /// When the client had the answer, ns, and what it was; `None` while it waits or has given up.
    pub completed: Option<(u64, Reply)>,
}

/// All operations, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub struct History {
    operations: Vec<Operation>,
}

impl History {
    /// All operations, in the order of their numbers, which is that of their invocations.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }

    /// The operation of that number, once it was invoked.
    pub fn get(&self, number: u64) -> Option<&Operation> {
        self.operations.get(usize::try_from(number).ok()?)
    }

    /// All operations so far.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn operation(&mut self, number: u64) -> &mut Operation {
        let place = usize::try_from(number).expect("a number of something in memory");
        self.operations.get_mut(place).expect("operations are numbered as they are invoked")
    }
}

impl<P: Process> Reader<P> for History {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, _world: &World<P>) {
        match event.what {
            Happening::Invoked { operation, client, node, request } => {
                debug_assert_eq!(operation, self.operations.len() as u64);
                self.operations.push(Operation {
                    client,
                    node,
                    request,
                    invoked: event.at,
                    answered: None,
                    completed: None,
                });
            }
            Happening::Replied { operation, .. } => self.operation(operation).answered = Some(event.at),
            Happening::Completed { operation, reply } => {
                self.operation(operation).completed = Some((event.at, reply));
            }
            _ => {}
        }
    }
}
