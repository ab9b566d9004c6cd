"""The secret stores: one contract, one implementation per store, and the generation of keys.

A store takes named documents of property -> value. What comes after the store sees only two things: an *ESO provider
block* (how External Secrets Operator reads this store) and *remote references* (where one value is).
"""
