//! stub
use crate::base::class::*;
use crate::base::fault::Faults;
use crate::base::field::*;
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::call::Call;
/// l
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits;
/// s
#[derive(Debug)]
pub struct Store(Faults);
/// m
pub struct Moment;
impl Facts for Moment {
    fn value(&self, _: FieldId) -> Value {
        Value::Unknown
    }
}
#[allow(missing_docs)]
impl Store {
    pub fn new(_: Limits, _: Seed) -> Self {
        Self(Faults::default())
    }
    pub fn answered(&mut self, _: &Call) {}
    pub fn ended(&mut self, _: &Call) {}
    pub fn mark(&mut self, _: Subject, _: &Call, _: Class, _: std::time::Duration) {}
    pub fn moment(&self, _: &Network, _: &Call, _: Point) -> Moment {
        Moment
    }
    pub fn faults(&self) -> &Faults {
        &self.0
    }
}
