// SPDX-License-Identifier: Apache-2.0
'use strict';
onmessage = (message) => postMessage(message.data * 2);
