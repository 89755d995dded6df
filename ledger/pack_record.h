// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

// What both sides of a pack bind a record to. Internal to ledger.
namespace keel::ledger {

using PackNonce = ByteArray<24>;    // 16 zero octets || u64 record number
using PackAad = ByteArray<12 + 8>;  // "keel-pack/1\n" || u64 length of all plaintexts
PackNonce PackRecordNonce(uint64_t record);
PackAad PackRecordAad(uint64_t length);

}  // namespace keel::ledger
